//! Packs a tree so that the same files always make the same bytes.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use super::listed;

/// Packs the tree as a folder of this name. Every entry belongs to root and has this time.
pub(super) fn pack(tree: &Path, name: &str, file: &Path, time: u64) -> Result<()> {
    let written = File::create(file).with_context(|| format!("cannot make {}", file.display()))?;
    // A `GzBuilder` writes no name and no time.
    let mut tarball = Builder::new(GzBuilder::new().write(written, Compression::default()));
    append(&mut tarball, tree, Path::new(name), time)?;
    tarball.into_inner()?.finish()?.sync_all()?;
    Ok(())
}

fn append<W: std::io::Write>(
    tarball: &mut Builder<W>,
    path: &Path,
    name: &Path,
    time: u64,
) -> Result<()> {
    let about = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut header = Header::new_gnu();
    header.set_mtime(time);
    header.set_uid(0);
    header.set_gid(0);
    let is_runnable = about.permissions().mode() & 0o111 != 0;
    header.set_mode(if is_runnable { 0o755 } else { 0o644 });
    if !about.is_dir() {
        header.set_entry_type(EntryType::Regular);
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        header.set_size(bytes.len() as u64);
        return Ok(tarball.append_data(&mut header, name, bytes.as_slice())?);
    }
    header.set_entry_type(EntryType::Directory);
    header.set_size(0);
    tarball.append_data(&mut header, name, std::io::empty())?;
    for entry in listed(path)? {
        let inside = entry.file_name().context("an entry without a name")?;
        append(tarball, &entry, &name.join(inside), time)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    #[test]
    fn the_same_files_make_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let pack_of = |tree: &str, names: [&str; 2]| {
            let tree = folder.path().join(tree);
            fs::create_dir_all(tree.join("bin")).unwrap();
            for name in names {
                fs::write(tree.join("bin").join(name), name).unwrap();
            }
            fs::set_permissions(tree.join("bin/a"), Permissions::from_mode(0o775)).unwrap();
            let file = tree.with_extension("tar.gz");
            pack(&tree, "x-1.0", &file, 1_700_000_000).unwrap();
            fs::read(file).unwrap()
        };
        let bytes = pack_of("one", ["a", "b"]);
        assert_eq!(bytes, pack_of("other", ["b", "a"]));

        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let entries: Vec<_> = archive.entries().unwrap().map(Result::unwrap).collect();
        let seen: Vec<_> = entries
            .iter()
            .map(|entry| {
                let header = entry.header();
                let path = entry.path().unwrap().display().to_string();
                (path, header.mode().unwrap(), header.uid().unwrap())
            })
            .collect();
        let expected = [
            ("x-1.0", 0o755, 0),
            ("x-1.0/bin", 0o755, 0),
            ("x-1.0/bin/a", 0o755, 0),
            ("x-1.0/bin/b", 0o644, 0),
        ];
        assert_eq!(
            seen,
            expected.map(|(path, mode, uid)| (path.to_owned(), mode, uid))
        );
    }
}
