//! `losscape submit`: a command in parts as an array of a scheduler, and the job that joins them after it.
//!
//! Two scripts are written beside the result, `array.sbatch` and `merge.sbatch`, which can be read, changed and submitted by
//! hand; with `--run` they are submitted, the second after the first. A lost task is submitted once more by its number, since
//! the array's script says how many parts there are.

use super::{Subcommand, Which, output, subcommands};
use crate::base::{Error, Result, files, text};
use crate::render::Style;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command};
use std::path::{Path, PathBuf};
use std::process;

pub const COMMAND: Subcommand = Subcommand {
    name: "submit",
    about: "Write the scripts that compute a command in parts on a cluster, and join them",
    examples: EXAMPLES,
    command,
    run,
};

const EXAMPLES: &str = "Examples:
  losscape submit --slurm --parts 16 slice --run runs/a --x 201 --out out/big
  losscape submit --slurm --parts 8 --cpus 4 --time 2:00:00 --run run width --out out/width
  losscape submit --slurm --parts 8 --option=--partition=long --option=--mem=8G run mine.toml

Writes array.sbatch and merge.sbatch into the --out of the command, and says how they are submitted; --run submits them. A
task that was lost is made again by its number: sbatch --array=3 DIR/array.sbatch. docs/cluster.md has examples for other
schedulers, and for machines without any.";

/// Flags before the command.
#[derive(Clone, Debug, Args)]
struct Flags {
    /// For Slurm: an array of jobs, and one that depends on it
    #[arg(long)]
    slurm: bool,
    /// How many parts the work is cut into, a task of the array each
    #[arg(long, value_name = "N", default_value_t = 8)]
    parts: usize,
    /// Processors of a task, and threads of the program in it
    #[arg(long, value_name = "N", default_value_t = 1)]
    cpus: usize,
    /// Longest time of a task, as sbatch takes it [default: that of the partition]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Another option for both jobs, as sbatch takes it; may be repeated
    #[arg(long, value_name = "OPTION", action = ArgAction::Append, allow_hyphen_values = true)]
    option: Vec<String>,
    /// Submit the jobs with sbatch
    #[arg(long)]
    run: bool,
}

fn command(command: Command) -> Command {
    let words = Arg::new("words").value_name("COMMAND").required(true).num_args(1..);
    let words = words.trailing_var_arg(true).allow_hyphen_values(true);
    let words = words.help("A command that takes --shard, with its flags");
    Flags::augment_args(command).arg(words)
}

fn run(matches: &ArgMatches) -> Result<()> {
    use clap::FromArgMatches;
    let flags = Flags::from_arg_matches(matches).map_err(|e| super::arguments::error(&e))?;
    let words: Vec<String> = matches.get_many("words").into_iter().flatten().cloned().collect();
    if !flags.slurm {
        return Err(Error::expected("submit", "--slurm, the scheduler that scripts are written for", "none"));
    }
    if !(1..=MOST).contains(&flags.parts) {
        return Err(Error::expected("--parts", format!("1 to {MOST}"), flags.parts));
    }
    if flags.cpus == 0 {
        return Err(Error::expected("--cpus", "at least 1", 0));
    }
    let job = Job::new(words)?;
    // Lines of a script, and words in a line of it.
    for line in flags.option.iter().chain(&flags.time) {
        one_line("--option", line)?;
    }
    let here = std::env::current_dir().map_err(|e| Error::machine("current directory", e))?;
    let out = here.join(&job.out);
    one_line("--out", &out.to_string_lossy())?;
    files::directory(&out)?;
    let (array, merge) = (out.join(ARRAY), out.join(MERGE));
    let scripts = Scripts { flags: &flags, job: &job, here: &here, out: &out, program: program()? };
    for (path, script) in [(&array, scripts.array()), (&merge, scripts.merge())] {
        files::write_atomic(path, script.as_bytes())?;
    }
    if flags.run {
        let first = sbatch(&[&array])?;
        let after = PathBuf::from(format!("--dependency=afterok:{first}"));
        let second = sbatch(&[&after, &merge]).map_err(|e| {
            Error::machine("sbatch", format!("the array is job {first}, but its merge was refused: {e}"))
        })?;
        return output::print(&format!(
            "submitted {first}, an array of {}, and {second}, which joins its parts\n",
            flags.parts
        ));
    }
    let [array, merge] = [ARRAY, MERGE].map(|name| quoted(&files::named(&job.out.join(name))));
    output::print(&format!(
        "wrote {array} and {merge}; submit them so, or with --run:\n  \
         id=$(sbatch --parsable {array})\n  \
         sbatch --dependency=afterok:$id {merge}\n"
    ))
}

const ARRAY: &str = "array.sbatch";
const MERGE: &str = "merge.sbatch";

/// Tasks of an array, beyond what schedulers allow.
const MOST: usize = 100_000;

/// What is to be computed in parts.
struct Job {
    /// The command and its flags, without `--out`.
    words: Vec<String>,
    name: String,
    out: PathBuf,
    /// The flags of its pictures, which are the merge's.
    pictures: Vec<String>,
    /// Whether it says how many threads.
    threads: bool,
}

impl Job {
    /// Reads a command as the program itself would.
    fn new(words: Vec<String>) -> Result<Self> {
        let name = words.first().cloned().unwrap_or_default();
        let shared = || subcommands().filter(|which| which.is_shared_out());
        let Some(which) = shared().find(|which| which.name() == name) else {
            let named = |name: &str| subcommands().any(|which| which.name() == name);
            if named(&name) {
                let names: Vec<&str> = shared().map(Which::name).collect();
                return Err(Error::expected("COMMAND", format!("one of {}", names.join(", ")), name));
            }
            return Err(crate::base::registry::unknown("COMMAND", &name, shared().map(Which::name)));
        };
        let given = super::arguments::joined(words.iter().map(Into::into));
        let command = which.whole().no_binary_name(false);
        let matches = command.try_get_matches_from(&given).map_err(|e| super::arguments::error(&e))?;
        let is_given = |id: &str| {
            matches.try_contains_id(id).unwrap_or(false)
                && matches.value_source(id) == Some(ValueSource::CommandLine)
        };
        for (id, why) in [
            ("shard", "none, as each task takes its own part"),
            ("claim", "none, as each task takes its own part"),
            ("plan", "none, as nothing would be computed"),
            ("json", "none, as parts print no result"),
            ("resume", "none, as the same command goes on"),
        ] {
            if is_given(id) {
                return Err(Error::expected(format!("--{id}"), why, "one"));
            }
        }
        if name == "train" && !is_given("seeds") {
            return Err(Error::expected("train", "--seeds, whose runs are shared out", "none"));
        }
        if name == "run" && matches.get_many::<PathBuf>("recipe").is_some_and(|all| all.len() > 1) {
            return Err(Error::expected("run", "one recipe", "several"));
        }
        let default = if name == "train" { "runs/default".to_owned() } else { format!("out/{name}") };
        let out = matches.get_one::<PathBuf>("out").cloned().unwrap_or_else(|| PathBuf::from(default));
        let style = Style::augment_args(Command::new("style"));
        let style = style.get_arguments().filter(|arg| is_given(arg.get_id().as_str()));
        let picture = |arg: &Arg| {
            let long = arg.get_long().unwrap_or_default();
            if !arg.get_action().takes_values() {
                return format!("--{long}");
            }
            let values = matches.get_raw(arg.get_id().as_str()).into_iter().flatten();
            let values: Vec<String> = values.map(|value| value.to_string_lossy().into_owned()).collect();
            format!("--{long}={}", values.join(","))
        };
        let pictures = style.map(picture).collect();
        let threads = is_given("threads");
        Ok(Self { words, name, out, pictures, threads })
    }
}

impl Which {
    /// Whether its work can be cut into parts.
    fn is_shared_out(self) -> bool {
        self.whole().get_arguments().any(|arg| arg.get_id() == "shard")
    }
}

/// The two scripts.
struct Scripts<'a> {
    flags: &'a Flags,
    job: &'a Job,
    here: &'a Path,
    out: &'a Path,
    program: PathBuf,
}

impl Scripts<'_> {
    fn head(&self, what: &str, more: &[String]) -> String {
        let Flags { cpus, time, option, .. } = self.flags;
        let mut lines = vec![format!("--job-name=losscape-{what}"), format!("--cpus-per-task={cpus}")];
        lines.extend(time.iter().map(|time| format!("--time={time}")));
        lines.extend(more.iter().chain(option).cloned());
        let lines: String = lines.iter().map(|line| format!("#SBATCH {line}\n")).collect();
        let here = quoted(&self.here.to_string_lossy());
        format!("#!/bin/sh\n{lines}set -eu\ncd {here}\n")
    }

    /// Where the jobs' own output goes: a percent sign is one of Slurm's.
    fn log(&self, name: &str) -> String {
        format!("--output=\"{}/{name}\"", self.out.to_string_lossy().replace('%', "%%"))
    }

    fn threads(&self) -> &'static str {
        if self.job.threads { "" } else { " --threads \"${SLURM_CPUS_PER_TASK:-1}\"" }
    }

    fn array(&self) -> String {
        let parts = self.flags.parts;
        let head =
            self.head(&self.job.name, &[format!("--array=0-{}", parts - 1), self.log("slurm-%A_%a.log")]);
        let words: Vec<String> = self.job.words.iter().map(|word| quoted(word)).collect();
        let (program, out) = (quoted(&self.program.to_string_lossy()), quoted(&self.out.to_string_lossy()));
        let (words, threads) = (words.join(" "), self.threads());
        // A later --out would be a second one.
        let out = if self.says_out() { String::new() } else { format!(" --out {out}") };
        format!(
            "{head}# A lost task once more: sbatch --array=NUMBER, with this script as it is.\n\
             exec {program} {words}{out}{threads} --shard auto/{parts}\n"
        )
    }

    fn says_out(&self) -> bool {
        self.job.words.iter().any(|word| word == "--out" || word.starts_with("--out="))
    }

    fn merge(&self) -> String {
        let head = self.head("merge", &[self.log("slurm-merge-%j.log")]);
        let (program, out) = (quoted(&self.program.to_string_lossy()), quoted(&self.out.to_string_lossy()));
        let pictures: String = self.job.pictures.iter().map(|flag| format!(" {}", quoted(flag))).collect();
        let threads = " --threads \"${SLURM_CPUS_PER_TASK:-1}\"";
        format!("{head}exec {program} merge {out}{pictures}{threads}\n")
    }
}

/// The program that writes the scripts is the one that runs in them.
fn program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|e| Error::machine("program", e))
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Refuses what would be more than a line of a script, or end the word that it stands in.
fn one_line(at: &str, line: &str) -> Result<()> {
    if line.is_empty() || line.chars().any(|c| text::acts(c) || c == '"' || c == '\\') {
        return Err(Error::expected(
            at,
            "one line without quotation marks and backslashes",
            files::brief(line),
        ));
    }
    Ok(())
}

/// Submits a script, and returns the number of the job.
fn sbatch(arguments: &[&Path]) -> Result<String> {
    let failed = |what: String| Error::machine("sbatch", what);
    let done = process::Command::new("sbatch").arg("--parsable").args(arguments).output();
    let done = done.map_err(|e| failed(format!("cannot be run: {e}")))?;
    let said = |bytes: &[u8]| text::one_line(&String::from_utf8_lossy(bytes));
    if !done.status.success() {
        return Err(failed(said(&done.stderr)));
    }
    // The number, and a cluster after a semicolon.
    let line = said(&done.stdout);
    let id = line.split(';').next().unwrap_or_default().trim().to_owned();
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
        return Err(failed(format!("expected the number of a job, found `{}`", files::brief(&line))));
    }
    Ok(id)
}
