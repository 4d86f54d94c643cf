// A line chart drawn by uPlot in the colours of the style sheet.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import type { Line } from "./counts";

const HEIGHT = 280;

/** Dash patterns, so that lines differ by more than colour; the style sheet's samples match. */
const DASHES: number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [], [8, 4], [2, 3], [10, 3, 2, 3]];

interface Properties {
  times: number[];
  lines: Line[];
  label: string;
}

export function Plot({ times, lines, label }: Properties) {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<uPlot | null>(null);
  const names = lines.map(({ name }) => name).join("\n");
  const data = [times.map((time) => time / 1_000), ...lines.map(({ values }) => values)] as uPlot.AlignedData;

  useEffect(() => {
    const element = place.current;
    if (!element) {
      return;
    }
    const draw = () => {
      drawn.current?.destroy();
      drawn.current = new uPlot(options(element, lines), data, element);
    };
    draw();
    const fit = () => drawn.current?.setSize({ width: element.clientWidth, height: HEIGHT });
    const watched = new ResizeObserver(fit);
    watched.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    return () => {
      watched.disconnect();
      scheme.removeEventListener("change", draw);
      drawn.current?.destroy();
      drawn.current = null;
    };
  }, [names]);
  useEffect(() => drawn.current?.setData(data), [times, lines]);

  return <div ref={place} class="plot" role="img" aria-label={label} />;
}

function options(element: HTMLElement, lines: Line[]): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => resolved(element, style.getPropertyValue(name));
  const axis = { stroke: colour("--text"), grid: { stroke: colour("--line") }, ticks: { stroke: colour("--line") } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_, __, most) => [0, Math.max(5, most * 1.1)] } },
    // Leaves room for the longest label, such as "10:30pm" over a date.
    axes: [{ ...axis, space: 90 }, { ...axis, size: 60 }],
    series: [
      {},
      ...lines.map(({ name }, index) => ({
        label: name,
        stroke: colour(`--line-${index}`),
        width: 2,
        dash: DASHES[index % DASHES.length] ?? [],
        points: { show: false },
      })),
    ],
  };
}

/** Resolves a colour, since a canvas does not understand `light-dark()`. */
function resolved(element: HTMLElement, colour: string): string {
  const probe = document.createElement("span");
  probe.style.color = colour;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
