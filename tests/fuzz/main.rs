//! Mutations of small files of every kind, by a seeded generator: no reader panics, hangs or takes much memory, whatever it is
//! given, and none takes for whole what is not as it was recorded.
//!
//! The ordinary suite tries a few hundred. `LOSSCAPE_MUTATIONS=30000 cargo test --release --test fuzz` tries that many, and
//! `cargo fuzz run NAME` (in `fuzz/`, with a nightly toolchain) as many as there is time for.

mod mutate;
mod readers;
mod seeds;

use losscape::base::{Streams, files};
use mutate::mutate;
use readers::{READERS, Reader, corpus};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The longest that a reader may take.
const LONGEST: Duration = Duration::from_secs(2);
/// The most memory that it may take, beside what the process held before.
const MOST: u64 = 256 << 20;

/// All seeds of a reader, by their names.
fn corpus_of(reader: &Reader) -> Vec<(String, Vec<u8>)> {
    let folder = corpus().join(reader.name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut all: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap())
        })
        .collect();
    all.sort();
    all
}

/// A number of the process, in bytes, where the system says.
fn memory(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib << 10)
}

/// Seconds of all cores that the process has used, where the system says: on a machine with other work, less than what passed.
fn worked() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(10 * ticks))
}

/// Reads in an empty directory of its own, and checks what it took; whether the bytes were taken.
fn tried(reader: &Reader, bytes: &[u8], what: &str) -> bool {
    let directory = tempfile::tempdir().unwrap();
    // From here on the peak is what this reader makes of it.
    let measured = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    let (before, started, work) = (memory("VmRSS:"), Instant::now(), worked());
    let result = (reader.read)(directory.path(), bytes);
    let passed = started.elapsed();
    let took = worked().zip(work).map_or(passed, |(now, before)| (now - before).min(passed));
    let held = memory("VmHWM:").saturating_sub(before);
    assert!(took < LONGEST, "{what}: {took:?}");
    assert!(!measured || held < MOST, "{what}: {} MiB", held >> 20);
    if let Err(e) = &result {
        let message = e.to_string();
        let acts = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!message.contains(acts) && message.chars().count() < 1500, "{what}: {message:?}");
        assert!(matches!(e.exit_code(), 1 | 2), "{what}: {message}");
    }
    result.is_ok()
}

/// One test at a time: memory is the whole process's.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[test]
fn every_seed_is_read() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    for reader in READERS {
        let seeds = corpus_of(reader);
        assert!(!seeds.is_empty(), "{}", reader.name);
        for (name, bytes) in seeds {
            let directory = tempfile::tempdir().unwrap();
            let result = (reader.read)(directory.path(), &bytes);
            // Those of faults that were found are refused.
            assert_eq!(result.is_err(), name.starts_with("refused"), "{} {name}: {result:?}", reader.name);
            assert!(bytes.len() < 100_000, "{} {name}: {} bytes", reader.name, bytes.len());
            tried(reader, &bytes, &format!("{} {name}", reader.name));
        }
        let target = corpus().join(format!("../fuzz_targets/{}.rs", reader.name));
        assert!(target.exists(), "{} is missing", target.display());
    }
}

#[test]
fn no_mutation_is_too_much_for_a_reader() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let all = number("LOSSCAPE_MUTATIONS").unwrap_or(20 * READERS.len() as u64);
    // One alone, after a failure.
    let only = (std::env::var("LOSSCAPE_READER").ok(), number("LOSSCAPE_MUTATION"));
    let watched = Watch::new();
    for reader in READERS.iter().filter(|r| only.0.as_ref().is_none_or(|name| name == r.name)) {
        let seeds: Vec<Vec<u8>> = corpus_of(reader).into_iter().map(|s| s.1).collect();
        let (mut taken, started) = (0, Instant::now());
        let count = all.div_ceil(READERS.len() as u64);
        let range = only.1.map_or(0..count, |i| i..i + 1);
        for i in range.clone() {
            let mut rng = Streams::new(16).stream(&format!("fuzz/{}", reader.name), i);
            let bytes = mutate(&mut rng, reader.form, &seeds[i as usize % seeds.len()], &seeds);
            let what = format!("LOSSCAPE_READER={} LOSSCAPE_MUTATION={i}", reader.name);
            watched.begin(&what);
            if only.1.is_some() {
                println!("{what}: {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(3000)]));
            }
            taken += u64::from(tried(reader, &bytes, &what));
            watched.end();
        }
        println!(
            "{:12} {:6} mutations, {taken} taken, {:.1?}",
            reader.name,
            range.end - range.start,
            started.elapsed()
        );
    }
}

/// Ends the process where a reader never comes back, and says which.
struct Watch(std::sync::Arc<(AtomicU64, std::sync::Mutex<String>)>);

impl Watch {
    fn new() -> Self {
        let shared = std::sync::Arc::new((AtomicU64::new(0), std::sync::Mutex::new(String::new())));
        let watched = std::sync::Arc::downgrade(&shared);
        std::thread::spawn(move || {
            let mut before = (0, Instant::now());
            while let Some(shared) = watched.upgrade() {
                let now = shared.0.load(Ordering::Relaxed);
                if now != before.0 || now.is_multiple_of(2) {
                    before = (now, Instant::now());
                }
                if before.1.elapsed() > 10 * LONGEST {
                    eprintln!("no end: {}", shared.1.lock().unwrap());
                    std::process::exit(1);
                }
                drop(shared);
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        Self(shared)
    }

    /// Odd while a reader works.
    fn begin(&self, what: &str) {
        *self.0.1.lock().unwrap() = what.to_owned();
        // A stack that overflows, and nothing else, ends the process before anybody can say where.
        if std::env::var_os("LOSSCAPE_TELL").is_some() {
            eprintln!("{what}");
        }
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whatever happens to a file that a record speaks of, it is not read as what it was.
#[test]
fn no_mutation_of_a_recorded_file_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let seeds: Vec<Vec<u8>> = corpus_of(readers::reader("saved")).into_iter().map(|s| s.1).collect();
    let path = directory.path().join("slice.json");
    let hashes = losscape::base::record::hashes(directory.path(), [("slice.json", &seeds[0][..])]);
    files::write_atomic(
        &directory.path().join("machine.json"),
        format!("{{\"sha256\":{hashes}}}").as_bytes(),
    )
    .unwrap();
    for i in 0..300 {
        let mut rng = Streams::new(7).stream("fuzz/recorded", i);
        let bytes = mutate(&mut rng, readers::Form::Bytes, &seeds[0], &seeds);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(files::read_regular(Path::new(&path), 1 << 30).is_ok(), bytes == seeds[0], "mutation {i}");
    }
}
