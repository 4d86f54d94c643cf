// The package declares only its CommonJS form.

declare module "getopts" {
  export default function getopts(
    words: string[],
    options: { string: string[]; boolean: string[]; alias: Record<string, string[]> },
  ): { _: string[]; [option: string]: unknown };
}
