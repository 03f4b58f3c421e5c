//! What goes out: standard output and error without panics, result directories, the machine's record.

use super::page::Source;
use crate::analyses::{Files, Saved, document};
use crate::base::apart::{self, Output};
use crate::base::files::{self, DirectoryLock};
use crate::base::record::{self, RECORD};
pub use crate::base::shown::{about, bytes, count, duration, number, percent};
use crate::base::{self, Error, Result, interrupt, isa, memory, parallel, text};
use crate::figure::Figure;
use crate::render::{Format, Style, animate, draw};
use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Writes to standard output what was put together here, which may have parts that were not: nothing in it acts on a terminal.
/// A reader that has gone away is an error, not a panic.
pub fn print(text: &str) -> Result<()> {
    print_raw(&text::visible_lines(text))
}

/// Writes to standard output as it is.
pub fn print_raw(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|e| Error::machine("standard output", e))
}

/// Writes a line to standard error, if anybody listens; nothing in it acts on a terminal.
pub fn complain(line: &str) {
    let _ = std::io::stderr().lock().write_all(format!("{}\n", text::visible(line)).as_bytes());
}

/// A JSON document on standard output.
pub fn print_json(value: &Value) -> Result<()> {
    let document = document(value);
    // Within strings, and nothing else of this stands anywhere else, JSON has escapes for every character.
    let hidden = |c: char| text::acts(c) && c != '\n';
    let escaped = |c: char| {
        if hidden(c) {
            c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        } else {
            c.to_string()
        }
    };
    let document = String::from_utf8_lossy(&document);
    if document.contains(hidden) {
        return print_raw(&document.chars().map(escaped).collect::<String>());
    }
    print_raw(&document)
}

/// A result directory that this process may write in.
#[derive(Debug)]
pub struct Target {
    directory: PathBuf,
    started: Instant,
    /// Directories made for this result, the deepest first.
    made: Vec<PathBuf>,
    written: AtomicBool,
    _lock: DirectoryLock,
    _apart: Output,
}

impl Target {
    /// Creates the directory if needed, finds out now whether it can be written, and locks it.
    pub fn new(directory: PathBuf) -> Result<Self> {
        Self::locked(directory, &DirectoryLock::acquire)
    }

    /// The same, after another process that writes in it: `waits` hears, once, which one that is.
    pub fn waiting(directory: PathBuf, waits: &dyn Fn(&str)) -> Result<Self> {
        let told = AtomicBool::new(false);
        Self::locked(directory, &|directory| {
            loop {
                match DirectoryLock::attempt(directory)? {
                    Ok(lock) => return Ok(lock),
                    Err(holder) if !told.swap(true, Ordering::Relaxed) => waits(&holder),
                    Err(_) => std::thread::sleep(Duration::from_millis(100)),
                }
                interrupt::check("waiting for another process", "nothing was written")?;
            }
        })
    }

    fn locked(directory: PathBuf, lock: &dyn Fn(&Path) -> Result<DirectoryLock>) -> Result<Self> {
        // Before anything is made there.
        let apart = apart::output(&directory)?;
        let absent = |d: &&Path| *d != Path::new("") && std::fs::symlink_metadata(d).is_err();
        let made: Vec<PathBuf> = directory.ancestors().take_while(absent).map(Path::to_path_buf).collect();
        // Locked before trials are written: a second writer is told of the first one, and never trips over its
        // temporary files.
        let locked = files::directory(&directory).and_then(|()| lock(&directory));
        let lock = locked.inspect_err(|_| remove(&made))?;
        let (started, written) = (Instant::now(), AtomicBool::new(false));
        let this = Self { directory, started, made, written, _lock: lock, _apart: apart };
        files::writable_directory(&this.directory)?;
        Ok(this)
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Seconds since the work began.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Draws the figures and writes everything; returns the names of the pictures, for [`listed`].
    pub fn write(&self, result: &dyn Saved, style: &Style, machine: Value) -> Result<Pictures> {
        let (figures, own) = (result.figures(), result.files()?);
        let mut all = pictures(&figures, style)?;
        if style.html && !figures.is_empty() {
            all.push(Source::of(result, &own)?.page(&figures, style)?);
        }
        let names = Pictures::of(&all, style);
        let written: Vec<String> = all.iter().chain(&own).map(|(name, _)| name.clone()).collect();
        let hashes =
            record::hashes(&self.directory, own.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])));
        all.push((RECORD.to_owned(), document(&self.machine(machine, &written, hashes))));
        all.extend(own);
        let stale = self.earlier(&written);
        self.replace(&all)?;
        let unfinished = Format::value_variants().iter().map(|kind| format!("unfinished{}", kind.ending()));
        for name in stale.into_iter().chain(unfinished).chain(["unfinished-shapes.pdf".to_owned()]) {
            files::remove(&files::within(&self.directory, &name)?)?;
        }
        Ok(names)
    }

    /// Files of the earlier result of this command that the new one does not have: pictures of a plane where a line is now.
    fn earlier(&self, written: &[String]) -> Vec<String> {
        let text = files::read_text(&self.directory.join(RECORD), files::LARGEST_JSON).unwrap_or_default();
        let machine: Value = base::json::parse(RECORD, &text).unwrap_or_default();
        let listed: Vec<String> = serde_json::from_value(machine["files"].clone()).unwrap_or_default();
        // The closing file tells whose result it is.
        if listed.last() != written.last() {
            return Vec::new();
        }
        let drawn = |name: &String| {
            [".png", ".svg", ".pdf", ".pdf_tex", PAGE, ".vti", ".vtp", ".safetensors"]
                .iter()
                .any(|kind| name.ends_with(kind))
        };
        let ours = |name: &String| {
            drawn(name) && files::within(&self.directory, name).is_ok() && !written.contains(name)
        };
        listed.into_iter().filter(ours).collect()
    }

    /// Draws the figures of saved results again over the old ones; returns the names of the pictures.
    pub fn redraw(&self, results: &[(Vec<Figure>, Source)], style: &Style) -> Result<Pictures> {
        let mut all = Files::new();
        for (figures, source) in results {
            all.extend(pictures(figures, style)?);
            if style.html && !figures.is_empty() {
                all.push(source.page(figures, style)?);
            }
        }
        self.replace(&all)?;
        Ok(Pictures::of(&all, style))
    }

    /// Shows what there is before the work is finished; the finished result removes it.
    pub fn show(&self, figure: &Figure, style: &Style) -> Result<()> {
        // Drawn quickly, and also when a stop was asked for.
        let style = Style { dpi: style.dpi.min(100), ..style.clone() };
        let files = draw(figure, &style)?.files(&figure.name, &style, &|| Ok(()))?;
        files::write_all_atomic(&self.directory, &files)
    }

    /// What lies in the directory is worth keeping.
    pub fn keep(&self) {
        self.written.store(true, Ordering::Relaxed);
    }

    fn replace(&self, all: &Files) -> Result<()> {
        files::write_all_atomic(&self.directory, all)?;
        self.written.store(true, Ordering::Relaxed);
        super::progress::wrote(&self.directory);
        Ok(())
    }

    /// What cannot be the same in two runs: time, threads, memory, paths. Hashes of what is the same stand with it, so that no
    /// byte of a result depends on them.
    fn machine(&self, more: Value, written: &[String], hashes: Value) -> Value {
        let command: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        json!({
            "command_line": command,
            "finished_unix_seconds": now,
            "seconds": self.seconds(),
            "threads": rayon::current_num_threads(),
            "arithmetic": isa::arithmetic(),
            "peak_memory_bytes": memory::peak(),
            "files": written,
            "sha256": hashes,
            "details": more,
        })
    }
}

impl Drop for Target {
    /// Work that failed leaves no directory behind that was not there before.
    fn drop(&mut self) {
        // A checkpoint is worth keeping, and so is the lock beside it.
        let kept = |entry: std::io::Result<std::fs::DirEntry>| entry.is_ok_and(|e| e.file_name() != ".lock");
        let bare = !std::fs::read_dir(&self.directory).is_ok_and(|mut all| all.any(kept));
        if !self.written.load(Ordering::Relaxed) && !self.made.is_empty() && bare {
            let _ = std::fs::remove_file(self.directory.join(".lock"));
            remove(&self.made);
        }
    }
}

/// Removes empty directories; one that is not empty, or not ours, stays.
fn remove(directories: &[PathBuf]) {
    for directory in directories {
        if std::fs::remove_dir(directory).is_err() {
            break;
        }
    }
}

/// Each figure in the style's kinds of files.
fn pictures(figures: &[Figure], style: &Style) -> Result<Files> {
    // A run that was itself interrupted is drawn all the same.
    let before = interrupt::requested();
    let stop = || match before {
        None => interrupt::check("drawing", "no result was written; the same command goes on"),
        Some(_) => Ok(()),
    };
    let drawn: Vec<Files> = parallel::try_map(figures.len(), &|i| {
        let figure = &figures[i];
        stop()?;
        let mut files = draw(figure, style)?.files(&figure.name, style, &stop)?;
        if style.animate
            && let Some(moving) = animate(figure, style, &stop)?
        {
            files.push((format!("{}{MOVING}", figure.name), moving));
        }
        Ok(files)
    })?;
    Ok(drawn.into_iter().flatten().collect())
}

/// What the file of a figure in motion ends in.
pub const MOVING: &str = "-moving.png";

/// What the page of a result ends in.
const PAGE: &str = ".html";

/// Whether a picture is called by its whole name.
fn whole(name: &str) -> bool {
    name.ends_with(MOVING) || name.ends_with(PAGE)
}

/// Pictures that were written.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Pictures {
    /// The stems of their names, and the whole names of those that move and of pages.
    pub names: Vec<String>,
    /// What the names end in.
    #[serde(skip)]
    endings: String,
}

impl Pictures {
    fn of(files: &Files, style: &Style) -> Self {
        let ending = style.format.first().map_or(".svg", |kind| kind.ending());
        let still = files.iter().filter_map(|(name, _)| name.strip_suffix(ending));
        let still = still.filter(|stem| !format!("{stem}{ending}").ends_with(MOVING)).map(str::to_owned);
        let moving = files.iter().map(|(name, _)| name.clone()).filter(|name| whole(name));
        let endings: Vec<&str> = style.format.iter().map(|kind| kind.ending()).collect();
        Self { names: still.chain(moving).collect(), endings: endings.join(", ") }
    }

    /// "contour, surface (.png, .svg), surface-moving.png".
    pub fn listed(&self) -> String {
        let (moving, still): (Vec<&str>, Vec<&str>) =
            self.names.iter().map(String::as_str).partition(|name| whole(name));
        let still = format!("{} ({})", still.join(", "), self.endings);
        [vec![still.as_str()], moving].concat().join(", ")
    }
}

/// ", peak memory 31 MiB", where the system says; nothing elsewhere.
pub fn peak() -> String {
    memory::peak().map_or(String::new(), |n| format!(", peak memory {}", bytes(n as f64)))
}
