//! Whatever a path leads to, the answer is quick and clear; final files are whole; a directory has one writer.

use crate::files::refused;
use losscape::base::files::{
    DirectoryLock, brief, read_regular, read_text, writable_directory, write_all_atomic, write_atomic,
    write_atomic_with,
};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn only_regular_files_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    let refusal = |name: &str| {
        let path = dir.join(name);
        let message = refused(read_regular(&path, 100));
        message.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&message).to_owned()
    };
    assert!(Command::new("mkfifo").arg(dir.join("fifo")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
    symlink("loop", dir.join("loop")).unwrap();
    symlink("absent", dir.join("dangling")).unwrap();
    symlink("fifo", dir.join("link-to-fifo")).unwrap();
    symlink("/dev/zero", dir.join("device")).unwrap();
    fs::write(dir.join("file"), [7; 100]).unwrap();
    fs::write(dir.join("large"), [7; 101]).unwrap();

    assert_eq!(refusal("."), "expected a regular file, found a directory");
    assert_eq!(refusal("fifo"), "expected a regular file, found a named pipe");
    assert_eq!(refusal("link-to-fifo"), "expected a regular file, found a named pipe");
    assert_eq!(refusal("socket"), "expected a regular file, found a socket");
    assert_eq!(refusal("device"), "expected a regular file, found a device");
    assert_eq!(refusal("loop"), "expected a regular file, found too many levels of symbolic links");
    assert_eq!(refusal("dangling"), "expected a regular file, found nothing there");
    assert_eq!(refusal("absent"), "expected a regular file, found nothing there");
    assert_eq!(refusal("file/below"), "expected a regular file, found not a directory");
    assert_eq!(refusal(&"n".repeat(300)), "expected a regular file, found file name too long");
    assert_eq!(refusal("large"), "expected at most 100 bytes, found 101");
    assert!(refused(read_regular(Path::new("a\0b"), 1)).contains("a\\u{0}b: expected a regular file"));
    assert!(refused(read_regular(Path::new("a\nb"), 1)).starts_with("a\\nb: expected a regular file"));
    assert_eq!(read_regular(&dir.join("file"), 100).unwrap(), [7; 100]);
}

#[test]
fn a_file_longer_than_it_says_is_still_measured() {
    // Files under /proc say that they have no bytes.
    assert!(refused(read_regular(Path::new("/proc/self/status"), 10)).contains("at most 10 bytes, found 11"));
}

#[test]
fn text_is_utf8() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("text");
    write_atomic(&path, b"ok\xff").unwrap();
    assert!(refused(read_text(&path, 9)).ends_with("expected text in UTF-8, found other bytes at offset 2"));
    write_atomic(&path, "θ".as_bytes()).unwrap();
    assert_eq!(read_text(&path, 9).unwrap(), "θ");
}

#[test]
fn a_final_file_is_the_old_one_or_the_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("result.json");
    write_atomic(&path, b"old").unwrap();
    let failed = write_atomic_with(&path, |file| {
        file.write_all(&[0; 100_000])?;
        Err(std::io::Error::other("no space"))
    });
    let error = failed.unwrap_err();
    assert_eq!((error.exit_code(), error.to_string()), (1, format!("{}: no space", path.display())));
    assert_eq!(
        (fs::read(&path).unwrap(), names(directory.path())),
        (b"old".to_vec(), vec!["result.json".into()])
    );
    write_atomic(&path, b"new").unwrap();
    assert_eq!(
        (fs::read(&path).unwrap(), names(directory.path())),
        (b"new".to_vec(), vec!["result.json".into()])
    );
}

#[test]
fn a_final_file_is_as_readable_as_any_new_file() {
    let directory = tempfile::tempdir().unwrap();
    let mode = |name: &str| fs::metadata(directory.path().join(name)).unwrap().permissions().mode();
    write_atomic(&directory.path().join("ours"), b"").unwrap();
    fs::write(directory.path().join("plain"), b"").unwrap();
    assert_eq!(mode("ours"), mode("plain"));
}

#[test]
fn what_is_no_file_is_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    assert!(refused(write_atomic(directory.path(), b"")).ends_with("to replace, found a directory"));
    assert!(refused(write_atomic(Path::new("/dev/null"), b"")).ends_with("to replace, found a device"));
    let absent = write_atomic(&directory.path().join("no/such/file"), b"").unwrap_err();
    assert_eq!(absent.exit_code(), 1);
}

#[test]
fn an_unwritable_directory_is_found_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let deep = directory.path().join("a/b/c");
    writable_directory(&deep).unwrap();
    writable_directory(&deep).unwrap();
    assert_eq!(names(&deep), Vec::<String>::new());
    let file = directory.path().join("file");
    write_atomic(&file, b"").unwrap();
    assert!(refused(writable_directory(&file)).ends_with("expected a directory, found a regular file"));
    assert!(refused(writable_directory(&file.join("below"))).contains("expected a directory, found none"));
    symlink("absent", directory.path().join("dangling")).unwrap();
    assert!(refused(writable_directory(&directory.path().join("dangling"))).contains("found none"));
    // /proc refuses new files to everyone, so that this holds for the superuser too.
    for path in ["/proc/self", "/proc/losscape"] {
        assert_eq!(writable_directory(Path::new(path)).unwrap_err().exit_code(), 1);
    }
}

#[test]
fn a_directory_has_one_writer_and_the_second_is_told_who() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    let lock = DirectoryLock::acquire(dir).unwrap();
    let expected = format!(
        "{}: expected no other writer, found process {} writing in it",
        dir.display(),
        std::process::id()
    );
    assert_eq!(refused(DirectoryLock::acquire(dir)), expected);
    drop(lock);
    assert_eq!(fs::read(dir.join(".lock")).unwrap(), b"", "no trace of who it was");
    DirectoryLock::acquire(dir).unwrap();
}

#[test]
fn a_lock_removes_what_a_killed_writer_left_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    for name in [".losscape-a1B2.tmp", ".losscape-notes", "x.tmp", "result.json"] {
        fs::write(dir.join(name), b"torn").unwrap();
    }
    fs::write(dir.join(".lock"), b"4294967295").unwrap();
    let _lock = DirectoryLock::acquire(dir).unwrap();
    assert_eq!(names(dir), [".lock", ".losscape-notes", "result.json", "x.tmp"]);
}

#[test]
fn a_lock_follows_no_link() {
    let directory = tempfile::tempdir().unwrap();
    let precious = directory.path().join("precious");
    write_atomic(&precious, b"text").unwrap();
    symlink(&precious, directory.path().join(".lock")).unwrap();
    assert!(refused(DirectoryLock::acquire(directory.path())).ends_with("found a symbolic link"));
    assert_eq!(fs::read(&precious).unwrap(), b"text");
}

#[test]
fn foreign_text_is_short_and_on_one_line() {
    assert_eq!(brief("a\nb\x1b[31m"), "a\\nb\\u{1b}[31m");
    assert_eq!(brief(&"é".repeat(500)), "é".repeat(120) + "...");
}

#[test]
fn what_closes_a_list_is_there_only_with_all_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path();
    let list = |middle: &str, text: &str| ["a", middle, "close.json"].map(|n| (n.to_owned(), text.into()));
    write_all_atomic(dir, &list("b", "0")).unwrap();
    assert_eq!(names(dir), ["a", "b", "close.json"]);
    // A name that leads elsewhere is refused before anything is written.
    for name in ["none/b", "../b", "/b", "..", ""] {
        refused(write_all_atomic(dir, &list(name, "new")));
        assert_eq!((names(dir).len(), fs::read(dir.join("a")).unwrap()), (3, b"0".to_vec()));
    }
    // Whenever somebody looks, even where the program were killed at that moment.
    std::thread::scope(|scope| {
        let writing =
            scope.spawn(|| (1..60).for_each(|i| write_all_atomic(dir, &list("b", &i.to_string())).unwrap()));
        let read = |name: &str| fs::read_to_string(dir.join(name)).ok();
        while !writing.is_finished() {
            let (before, all, after) = (read("close.json"), [read("a"), read("b")], read("close.json"));
            if before.is_some() && before == after {
                assert_eq!(all, [before, after]);
            }
        }
    });
    assert_eq!(fs::read_to_string(dir.join("close.json")).unwrap(), "59");
}
