//! Files that are either whole or absent, directories with one writer, and reading what a user names.
//!
//! A final file is written under another name in the same directory, synced, renamed, and the directory synced
//! after it: a reader, or a crash at any moment, sees the old file or the new one. A sync that fails is an error,
//! because after it nobody knows what is on the disk.
//!
//! What a user names may be anything: a directory, a pipe that would block forever, a device that never ends.
//! Such a path is the user's to mend ([`Error::Request`]); a disk that fails is not ([`Error::Machine`]).

use crate::base::text::visible;
use crate::base::{Error, Result, apart, record};
use sha2::{Digest, Sha256};
use std::fs::{self, File, FileType, Metadata, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

pub use crate::base::text::brief;

/// The largest file read whole: 4 GiB.
pub const LARGEST: u64 = 4 << 30;
/// The largest JSON document: 64 MiB; parsed, it takes many times its length.
pub const LARGEST_JSON: u64 = 64 << 20;

const TEMPORARY: (&str, &str) = (".losscape-", ".tmp");

/// Replaces the file at `path` by `bytes`, atomically.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomic_with(path, |file| file.write_all(bytes))
}

/// Replaces the file at `path` by what `fill` writes, atomically; if `fill` fails, the old file stays.
pub fn write_atomic_with(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<()> {
    if let Ok(there) = fs::metadata(path)
        && !there.is_file()
    {
        return Err(Error::expected(named(path), "a regular file to replace", what_is(there.file_type())));
    }
    record::forget(path)?;
    let write = || {
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let (file, temporary) = temporary_in(directory)?.into_parts();
        let mut buffered = BufWriter::new(file);
        fill(&mut buffered)?;
        buffered.into_inner()?.sync_all()?;
        temporary.persist(path)?;
        sync_directory(directory)
    };
    write().map_err(|e: io::Error| Error::machine(named(path), e))
}

/// Replaces several files of one directory. All are written under other names before the first takes its place, so
/// that a full disk leaves the old ones as they were.
///
/// The last file closes the list: by convention it is the JSON that says the result is complete. The old one is
/// removed before the first file is replaced, and the new one comes after all others are on the disk, so that a
/// crash at any moment leaves the old result, the new one, or one that nothing calls complete.
pub fn write_all_atomic(directory: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    for (name, _) in files {
        let path = within(directory, name)?;
        if let Ok(there) = fs::symlink_metadata(&path)
            && there.is_dir()
        {
            return Err(Error::expected(named(&path), "a regular file to replace", "a directory"));
        }
    }
    let write = || {
        let mut staged = Vec::new();
        for (name, bytes) in files {
            let mut file = temporary_in(directory)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            staged.push((directory.join(name), file));
        }
        let Some((closing, last)) = staged.pop() else { return Ok(()) };
        match fs::remove_file(&closing) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => sync_directory(directory)?,
        }
        for (path, file) in staged {
            file.persist(path)?;
        }
        sync_directory(directory)?;
        last.persist(closing)?;
        sync_directory(directory)
    };
    write().map_err(|e: io::Error| Error::machine(named(directory), e))
}

/// Removes the file at `path`, if there is one.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::machine(named(path), e)),
        _ => Ok(()),
    }
}

/// The file or folder called `name` in a directory. A name is one part of a path and leads nowhere else, whoever chose it: what
/// is empty, has a separator, a control character or a drive's colon, begins with a dot, or is too long for a disk is refused.
pub fn within(directory: &Path, name: &str) -> Result<PathBuf> {
    let fits =
        |c: char| !matches!(c, '/' | '\\' | ':') && visible(c.encode_utf8(&mut [0; 4])).len() == c.len_utf8();
    // Names of temporary files are longer than those of the files that they become.
    if (1..=200).contains(&name.len()) && !name.starts_with('.') && name.chars().all(fits) {
        Ok(directory.join(name))
    } else {
        let expected = "a name: 1 to 200 bytes without separators, not beginning with a dot";
        Err(Error::expected(
            format!("{}: file name", named(directory)),
            expected,
            format!("`{}`", brief(name)),
        ))
    }
}

/// Creates `path` as a directory unless it is one.
pub fn directory(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => Ok(()),
        Ok(there) => Err(Error::expected(named(path), "a directory", what_is(there.file_type()))),
        Err(_) => fs::create_dir_all(path).map_err(|e| match e.kind() {
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::OutOfMemory
            | io::ErrorKind::NotFound => {
                Error::machine(named(path), format!("cannot create the directory: {e}"))
            }
            // A file in the way, a loop of links, a name too long: faults of the path.
            _ => Error::expected(
                named(path),
                "a directory",
                format!("none, and none can be made: {}", reason(&e)),
            ),
        }),
    }
}

/// Creates `path` as a directory unless it is one, and tries writing in it, so that a read-only directory is found
/// before hours of computing.
pub fn writable_directory(path: &Path) -> Result<()> {
    directory(path)?;
    let attempt = temporary_in(path).and_then(|file| file.close());
    attempt.map_err(|e| Error::machine(named(path), format!("cannot write in the directory: {e}")))
}

/// The sole right to write in a directory, held until dropped (or until the process ends, however it ends).
#[derive(Debug)]
pub struct DirectoryLock {
    file: File,
}

impl DirectoryLock {
    /// Locks `directory`, or says at once which process holds it. Temporary files that a killed writer left are
    /// removed.
    pub fn acquire(directory: &Path) -> Result<Self> {
        Self::attempt(directory)?.map_err(|holder| {
            Error::expected(named(directory), "no other writer", format!("{holder} writing in it"))
        })
    }

    /// The same; who holds it, in words, if somebody does.
    pub fn attempt(directory: &Path) -> Result<std::result::Result<Self, String>> {
        let path = directory.join(".lock");
        // A link here would make us empty whatever file it leads to.
        if let Ok(there) = fs::symlink_metadata(&path)
            && !there.is_file()
        {
            return Err(Error::expected(named(&path), "a regular file", what_is(there.file_type())));
        }
        let failed = |e: io::Error| Error::machine(named(&path), e);
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(e)) => return Err(failed(e)),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The holder may not have written its number yet, and who it is is only a courtesy.
                let _ = (&file).take(20).read_to_string(&mut holder);
                return Ok(Err(match holder.as_str() {
                    "" => "another process".to_owned(),
                    holder => format!("process {holder}"),
                }));
            }
        }
        file.set_len(0).map_err(failed)?;
        write!(file, "{}", std::process::id()).map_err(failed)?;
        clear(directory)?;
        Ok(Ok(Self { file }))
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Emptied, so that a finished directory has the same bytes whoever made it; not removed, because a second
        // process may already have opened it, and would then hold a lock on a file that no third one sees.
        let _ = self.file.set_len(0);
    }
}

/// The contents of the regular file at `path`, of at most `most` bytes. Pipes and devices are refused unopened, and so is what is
/// not as a [`record`] beside it says.
pub fn read_regular(path: &Path, most: u64) -> Result<Vec<u8>> {
    let too_large = |found: u64| Err(Error::expected(named(path), format!("at most {most} bytes"), found));
    let length = regular(path)?.len();
    if length > most {
        return too_large(length);
    }
    let read = || {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length as usize)?;
        // One byte beyond what is allowed, for a file that grows while it is read.
        File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes: Vec<u8> = read().map_err(|e: io::Error| Error::machine(named(path), e))?;
    if bytes.len() as u64 > most {
        return too_large(bytes.len() as u64);
    }
    record::check(path, &mut &bytes[..])?;
    Ok(bytes)
}

/// The regular file at `path`, open for reading, and its length. Refuses what [`read_regular`] does; a file that a record
/// speaks of is read once for it.
pub fn open_regular(path: &Path) -> Result<(File, u64)> {
    let length = regular(path)?.len();
    let failed = |e: io::Error| Error::machine(named(path), e);
    let mut file = File::open(path).map_err(failed)?;
    record::check(path, &mut file)?;
    file.rewind().map_err(failed)?;
    Ok((file, length))
}

/// The regular file at `path`, which a user named for reading: no result of this process goes beside it.
pub fn open_input(path: &Path) -> Result<(File, u64)> {
    let opened = open_regular(path)?;
    apart::input(path)?;
    Ok(opened)
}

/// A path with `~`, which the shell leaves alone behind an equals sign, as the home directory that it stands for.
pub fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) if rest == Path::new("") => home,
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_path_buf(),
    }
}

/// The text of the regular file at `path`, of at most `most` bytes.
pub fn read_text(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(read_regular(path, most)?).map_err(|e| {
        Error::expected(
            named(path),
            "text in UTF-8",
            format!("other bytes at offset {}", e.utf8_error().valid_up_to()),
        )
    })
}

/// SHA-256 of `bytes`, as `sha256sum` writes it.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&digest(bytes))
}

/// SHA-256 of `bytes`, its 32 bytes.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A path as errors name it: on one line, whatever it holds.
pub fn named(path: &Path) -> String {
    visible(&path.display().to_string()).into_owned()
}

fn regular(path: &Path) -> Result<Metadata> {
    let found = match fs::metadata(path) {
        Ok(there) if there.is_file() => return Ok(there),
        Ok(there) => what_is(there.file_type()).to_owned(),
        Err(e) => match e.kind() {
            io::ErrorKind::NotFound => "nothing there".to_owned(),
            io::ErrorKind::PermissionDenied => return Err(Error::machine(named(path), e)),
            // A loop of links, a name too long, a file used as a directory: faults of the path.
            _ => reason(&e),
        },
    };
    Err(Error::expected(named(path), "a regular file", found))
}

/// The system's own words, without its error number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

fn what_is(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    match kind {
        kind if kind.is_dir() => "a directory",
        kind if kind.is_file() => "a regular file",
        kind if kind.is_symlink() => "a symbolic link",
        _ => "a special file",
    }
}

fn temporary_in(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    // Like any new file, readable as the umask allows; tempfile's default is the owner alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

/// Removes temporary files that a killed writer left in a directory, where no other writer is at work.
pub fn clear(directory: &Path) -> Result<()> {
    remove_temporaries(directory).map_err(|e| Error::machine(named(directory), e))
}

fn remove_temporaries(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let name = PathBuf::from(entry?.file_name());
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1) {
            fs::remove_file(directory.join(&*name))?;
        }
    }
    Ok(())
}

/// Has the entries of a directory on the disk.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened as a file, and a rename is durable by itself.
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// Reads a JSON number where null stands for NaN, which JSON has no word for.
pub fn null_is_nan<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<f64, D::Error> {
    let value: Option<f64> = serde::Deserialize::deserialize(from)?;
    Ok(value.unwrap_or(f64::NAN))
}
