//! A part of a job that several processes share, named by hand or taken from the variables of a scheduler.
//!
//! A job may be shared out twice: the tasks of an array, and the ranks that a launcher starts within each of them. Part
//! `t r + k` of `n r` is rank k of r in task t of n. What the variables say must describe the whole job: an array with
//! gaps, or a single task (which repeats one that was lost), does not tell how many parts there are, and is refused.

use super::files::brief;
use super::{Error, Result};
use std::collections::BTreeMap;
use std::ops::Range;

/// Part `index` of `count`, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part.
    pub index: usize,
    /// Of how many.
    pub count: usize,
}

/// The variables of a process by their names.
pub type Environment = BTreeMap<String, String>;

/// The variables of this process.
pub fn environment() -> Environment {
    let text = |s: std::ffi::OsString| s.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// Most parts of a job.
const MOST: usize = 1_000_000;

/// A scheduler of arrays: the variables it sets in each task, empty where it sets none.
struct Scheduler {
    name: &'static str,
    /// The number of the task.
    task: &'static str,
    /// The smallest number a task can have.
    least: usize,
    count: &'static str,
    first: &'static str,
    last: &'static str,
    step: &'static str,
}

/// A scheduler that tells nothing but the number of the task.
const fn bare(name: &'static str, task: &'static str) -> Scheduler {
    Scheduler { name, task, least: 0, count: "", first: "", last: "", step: "" }
}

const SLURM: &str = "Slurm";

const SCHEDULERS: [Scheduler; 8] = [
    Scheduler {
        name: SLURM,
        task: "SLURM_ARRAY_TASK_ID",
        least: 0,
        count: "SLURM_ARRAY_TASK_COUNT",
        first: "SLURM_ARRAY_TASK_MIN",
        last: "SLURM_ARRAY_TASK_MAX",
        step: "SLURM_ARRAY_TASK_STEP",
    },
    bare("PBS", "PBS_ARRAY_INDEX"),
    bare("Torque", "PBS_ARRAYID"),
    Scheduler {
        first: "SGE_TASK_FIRST",
        last: "SGE_TASK_LAST",
        step: "SGE_TASK_STEPSIZE",
        least: 1,
        ..bare("SGE", "SGE_TASK_ID")
    },
    Scheduler {
        last: "LSB_JOBINDEX_END",
        step: "LSB_JOBINDEX_STEP",
        least: 1,
        ..bare("LSF", "LSB_JOBINDEX")
    },
    Scheduler { count: "AWS_BATCH_JOB_ARRAY_SIZE", ..bare("AWS Batch", "AWS_BATCH_JOB_ARRAY_INDEX") },
    bare("HyperQueue", "HQ_TASK_ID"),
    bare("Kubernetes", "JOB_COMPLETION_INDEX"),
];

/// A launcher of ranks, the variable of a rank, and the one of how many there are.
type Launcher = (&'static str, &'static str, &'static str);

const TORCHRUN: Launcher = ("torchrun", "RANK", "WORLD_SIZE");
/// Each step of Slurm has its own ranks; launchers of MPI start their daemons as such a step, and go before it.
const SRUN: Launcher = ("srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS");

const LAUNCHERS: [Launcher; 4] = [
    TORCHRUN,
    ("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("MPICH or Intel MPI", "PMI_RANK", "PMI_SIZE"),
    ("MVAPICH", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
];

/// What is said of the whole job beside `auto`.
#[derive(Clone, Copy)]
enum Whole {
    /// Nothing: the variables tell.
    Told,
    /// So many parts.
    Parts(usize),
    /// The array has the tasks from one number to another.
    Tasks(usize, usize),
}

impl Shard {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Reads `i/n`, `auto`, `auto/n` (n parts in all) or `auto/a-b` (an array of the tasks a to b).
    pub fn parse(text: &str, environment: &Environment) -> Result<Self> {
        let expected = |found: String| {
            let expected = "i/n with i from 0 to n - 1, or auto, auto/n or auto/first-last";
            Error::expected("--shard", expected, found)
        };
        let wrong = || expected(format!("`{}`", brief(text)));
        let number = |text: &str| text.trim().parse::<usize>().ok();
        let (index, rest) = match text.split_once('/') {
            Some((index, rest)) => (index.trim(), Some(rest)),
            None => (text.trim(), None),
        };
        let shard = match (index, rest) {
            ("auto", None) => told(environment, Whole::Told)?,
            ("auto", Some(rest)) => {
                let whole = match rest.split_once('-') {
                    Some((a, b)) => number(a).zip(number(b)).map(|(a, b)| Whole::Tasks(a, b)),
                    None => number(rest).map(Whole::Parts),
                };
                told(environment, whole.ok_or_else(wrong)?)?
            }
            (index, Some(count)) => {
                let (index, count) = number(index).zip(number(count)).ok_or_else(wrong)?;
                Self { index, count }
            }
            _ => return Err(wrong()),
        };
        if shard.index < shard.count && shard.count <= MOST {
            Ok(shard)
        } else {
            Err(expected(format!("part {} of {}", shard.index, shard.count)))
        }
    }

    /// Of `pieces` in a row, those of this part: neighbours stay together.
    pub fn range(self, pieces: usize) -> Range<usize> {
        let at = |i: usize| (pieces as u128 * i as u128 / self.count as u128) as usize;
        at(self.index)..at(self.index + 1)
    }

    /// Whether a piece belongs to this part, where pieces are dealt out one by one.
    pub fn deals(self, piece: usize) -> bool {
        piece % self.count == self.index
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// The number in a variable, if it is set to one; what schedulers write outside of arrays is none.
fn number(environment: &Environment, name: &str) -> Result<Option<usize>> {
    let Some(text) = environment.get(name) else { return Ok(None) };
    match text.trim() {
        "" | "undefined" => Ok(None),
        text => match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Error::expected(name, "a whole number", format!("`{}`", brief(text)))),
        },
    }
}

/// The part that the variables name.
fn told(environment: &Environment, whole: Whole) -> Result<Shard> {
    let array = array(environment)?;
    let ranks = ranks(environment, array.map(|(scheduler, _)| scheduler.name))?;
    let Some((scheduler, task)) = array else {
        return match (ranks, whole) {
            (None, _) => {
                let known: Vec<&str> = SCHEDULERS.iter().map(|s| s.name).collect();
                let launchers: Vec<&str> = LAUNCHERS.iter().chain([&SRUN]).map(|l| l.0).collect();
                let (known, launchers) = (known.join(", "), launchers.join(", "));
                let expected = format!("variables of an array ({known}) or of ranks ({launchers}), or i/n");
                Err(Error::expected("--shard", expected, "none of them"))
            }
            (Some(ranks), Whole::Told) => Ok(ranks),
            (Some(ranks), Whole::Parts(n)) if n == ranks.count => Ok(ranks),
            (Some(ranks), Whole::Parts(n)) => {
                let expected = format!("auto/{}, as the ranks say, or i/{n}", ranks.count);
                Err(Error::expected("--shard", expected, format!("auto/{n}")))
            }
            (Some(_), Whole::Tasks(a, b)) => Err(Error::expected(
                "--shard",
                "an array with these tasks",
                format!("auto/{a}-{b}, and none"),
            )),
        };
    };
    let ranks = ranks.unwrap_or(Shard::WHOLE);
    let outer = place(environment, scheduler, task, whole, ranks.count)?;
    Ok(Shard {
        index: outer.index.saturating_mul(ranks.count).saturating_add(ranks.index),
        count: outer.count.saturating_mul(ranks.count),
    })
}

/// The scheduler whose array this process belongs to, and the number of its task.
fn array(environment: &Environment) -> Result<Option<(&'static Scheduler, usize)>> {
    let mut found: Option<(&Scheduler, usize)> = None;
    for scheduler in &SCHEDULERS {
        let Some(task) = number(environment, scheduler.task)? else { continue };
        // LSF numbers a job outside of arrays 0.
        if scheduler.name == "LSF" && task == 0 {
            continue;
        }
        if let Some((other, before)) = found {
            // Both kinds of PBS may set both variables.
            let same = other.name == "PBS" && scheduler.name == "Torque" && before == task;
            if !same {
                let (a, b) = (other.task, scheduler.task);
                return Err(Error::expected(
                    "--shard",
                    "i/n, or the variables of one array",
                    format!("{a} = {before} and {b} = {task}"),
                ));
            }
            continue;
        }
        found = Some((scheduler, task));
    }
    Ok(found)
}

/// The rank of this process among those that one launcher started, within an array of `scheduler` if there is one.
fn ranks(environment: &Environment, scheduler: Option<&str>) -> Result<Option<Shard>> {
    let mut found: Option<(&Launcher, Shard)> = None;
    for launcher in &LAUNCHERS {
        let Some(ranks) = ranks_of(environment, launcher)? else { continue };
        match found {
            Some((other, before)) if before != ranks => {
                let found = format!("{before} from {} and {ranks} from {}", other.0, launcher.0);
                return Err(Error::expected("--shard", "i/n, or launchers that agree on the rank", found));
            }
            _ => found = Some((launcher, ranks)),
        }
    }
    if let (Some((launcher, ranks)), Some(scheduler)) = (found, scheduler)
        && *launcher == TORCHRUN
        && let Some(local) = number(environment, "LOCAL_WORLD_SIZE")?
        && local != ranks.count
    {
        // Whether these ranks are spread over the tasks of the array, or each task has so many, nobody tells.
        let found = format!("torchrun over several nodes in an array of {scheduler}");
        return Err(Error::expected("--shard", "i/n, or ranks of one node within a task", found));
    }
    // Agents of other schedulers may themselves have been started by srun, all tasks of one agent with one rank.
    let own = scheduler.is_none_or(|name| name == SLURM);
    match found {
        Some((_, ranks)) => Ok(Some(ranks)),
        // Outside of a step, as in a batch script, there is a rank of 0 and no count.
        None if own && number(environment, SRUN.2)?.is_some() => ranks_of(environment, &SRUN),
        None => Ok(None),
    }
}

fn ranks_of(environment: &Environment, (name, rank, size): &Launcher) -> Result<Option<Shard>> {
    let (index, count) = match (number(environment, rank)?, number(environment, size)?) {
        (Some(index), Some(count)) => (index, count),
        (None, None) => return Ok(None),
        // Names that many programs use for something else.
        _ if *name == TORCHRUN.0 && !environment.contains_key("TORCHELASTIC_RUN_ID") => return Ok(None),
        (Some(_), None) => return Err(Error::expected(*size, format!("a number, beside {rank}"), "none")),
        (None, Some(_)) => return Err(Error::expected(*rank, format!("a number, beside {size}"), "none")),
    };
    if index < count {
        Ok(Some(Shard { index, count }))
    } else {
        Err(Error::expected(*rank, format!("less than {size} = {count}"), index))
    }
}

/// Which of the tasks of an array `task` is, where each has so many ranks.
fn place(
    environment: &Environment,
    scheduler: &Scheduler,
    task: usize,
    whole: Whole,
    ranks: usize,
) -> Result<Shard> {
    let name = scheduler.name;
    let refuse = |expected: String, found: String| Err(Error::expected("--shard", expected, found));
    let within = |first: usize, count: usize, asked: String| match task.checked_sub(first) {
        Some(index) if index < count => Ok(Shard { index, count }),
        _ => {
            let last = first.saturating_add(count.saturating_sub(1));
            // Arrays of PBS and HyperQueue often begin with 1.
            let shifted =
                if first == 0 { format!(" (auto/1-{count} where they begin with 1)") } else { String::new() };
            let expected = format!("a task from {first} to {last}, as {asked} says{shifted}, or i/n");
            refuse(expected, format!("{} = {task}", scheduler.task))
        }
    };
    let known = described(environment, scheduler, task)?;
    match whole {
        Whole::Tasks(a, b) if a <= b && b - a < MOST => within(a, b - a + 1, format!("auto/{a}-{b}")),
        Whole::Tasks(a, b) => refuse("auto/first-last, in this order".to_owned(), format!("auto/{a}-{b}")),
        Whole::Parts(0) => refuse("auto/n with n from 1".to_owned(), "auto/0".to_owned()),
        Whole::Parts(n) if n > MOST => refuse(format!("at most {MOST} parts"), format!("auto/{n}")),
        Whole::Parts(n) if n % ranks > 0 => {
            refuse(format!("auto/n with n a multiple of the {ranks} ranks of a task"), format!("auto/{n}"))
        }
        // All of the array, or some of its tasks once more, by their own numbers.
        Whole::Parts(n) => match known {
            Some(Ok(shard)) if shard.count == n / ranks => Ok(shard),
            _ => within(scheduler.least, n / ranks, format!("auto/{n}")),
        },
        Whole::Told => match known {
            None => refuse(
                format!("auto/n with n the number of parts, which {name} does not tell, or i/n"),
                "auto".to_owned(),
            ),
            // A task that is made again looks like this, and knows nothing of the others.
            Some(Ok(Shard { count: 1, .. })) => refuse(
                "auto/n with n the number of parts in all (auto/4 where the array was 0-3), since a single task is \
                 a lost one made again"
                    .to_owned(),
                format!("an array of task {task} alone"),
            ),
            Some(Ok(shard)) => Ok(shard),
            Some(Err(gaps)) => refuse(
                "an array without gaps, or auto/n with n the number of parts in all".to_owned(),
                gaps,
            ),
        },
    }
}

/// What the variables say of the whole array: the place of the task in it, or in words what it has too few of; nothing
/// where they don't say how many tasks there are. Refuses a task that its own array does not have.
fn described(
    environment: &Environment,
    scheduler: &Scheduler,
    task: usize,
) -> Result<Option<std::result::Result<Shard, String>>> {
    let of = |name: &str| number(environment, name);
    let (count, last) = (of(scheduler.count)?, of(scheduler.last)?);
    let first = of(scheduler.first)?.unwrap_or(scheduler.least);
    let step = of(scheduler.step)?.unwrap_or(1).max(1);
    let belongs = task.checked_sub(first).filter(|d| d % step == 0 && last.is_none_or(|last| task <= last));
    let Some(distance) = belongs else {
        let steps = if step > 1 { format!(" in steps of {step}") } else { String::new() };
        let last = last.map_or("on".to_owned(), |last| format!("to {last}"));
        let expected = format!("a task of its array, from {first} {last}{steps}");
        return Err(Error::expected(scheduler.task, expected, task));
    };
    let spanned = last.map(|last| ((last - first) / step).saturating_add(1));
    let Some(count) = count.or(spanned) else { return Ok(None) };
    if spanned.is_some_and(|n| n != count) {
        let last = last.unwrap_or_default();
        return Ok(Some(Err(format!("{count} tasks between {first} and {last}"))));
    }
    if distance / step >= count {
        let expected = format!("a task of its array, which has {count} from {first} on");
        return Err(Error::expected(scheduler.task, expected, task));
    }
    Ok(Some(Ok(Shard { index: distance / step, count })))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `NAME=VALUE` by spaces.
    fn environment(text: &str) -> Environment {
        let pair = |word: &str| word.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()));
        text.split_whitespace().filter_map(pair).collect()
    }

    fn parse(flag: &str, variables: &str) -> std::result::Result<String, String> {
        Shard::parse(flag, &environment(variables)).map(|s| s.to_string()).map_err(|e| e.to_string())
    }

    /// The variables of a task of a Slurm array.
    fn slurm(task: usize, min: usize, max: usize, step: usize, count: usize) -> String {
        format!(
            "SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID={task} SLURM_ARRAY_TASK_MIN={min} SLURM_ARRAY_TASK_MAX={max} \
             SLURM_ARRAY_TASK_STEP={step} SLURM_ARRAY_TASK_COUNT={count} SLURM_PROCID=0 SLURM_NTASKS=2"
        )
    }

    #[test]
    fn every_scheduler_and_launcher_is_known() {
        for (flag, variables, expected) in [
            ("auto", slurm(2, 0, 3, 1, 4).as_str(), "2/4"),
            ("auto", slurm(7, 5, 9, 2, 3).as_str(), "1/3"),
            // Its last task is the last number that a step meets.
            ("auto", slurm(4, 0, 6, 2, 4).as_str(), "2/4"),
            ("auto/8", "PBS_ARRAY_INDEX=3 PBS_ARRAY_ID=12[]", "3/8"),
            ("auto/8", "PBS_ARRAYID=3", "3/8"),
            ("auto/8", "PBS_ARRAY_INDEX=3 PBS_ARRAYID=3", "3/8"),
            ("auto/1-8", "PBS_ARRAY_INDEX=3", "2/8"),
            ("auto", "SGE_TASK_ID=3 SGE_TASK_FIRST=1 SGE_TASK_LAST=8 SGE_TASK_STEPSIZE=1", "2/8"),
            ("auto", "SGE_TASK_ID=5 SGE_TASK_FIRST=1 SGE_TASK_LAST=8 SGE_TASK_STEPSIZE=4", "1/2"),
            ("auto", "LSB_JOBINDEX=3 LSB_JOBINDEX_END=8 LSB_JOBINDEX_STEP=1", "2/8"),
            ("auto/8", "LSB_JOBINDEX=8", "7/8"),
            ("auto", "AWS_BATCH_JOB_ARRAY_INDEX=3 AWS_BATCH_JOB_ARRAY_SIZE=8", "3/8"),
            ("auto/8", "AWS_BATCH_JOB_ARRAY_INDEX=3", "3/8"),
            ("auto/8", "HQ_TASK_ID=3 HQ_JOB_ID=1", "3/8"),
            ("auto/8", "JOB_COMPLETION_INDEX=3", "3/8"),
            ("auto", "SLURM_PROCID=3 SLURM_STEP_NUM_TASKS=8 SLURM_NTASKS=8", "3/8"),
            ("auto", "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=8", "3/8"),
            ("auto", "PMI_RANK=3 PMI_SIZE=8", "3/8"),
            ("auto", "MV2_COMM_WORLD_RANK=3 MV2_COMM_WORLD_SIZE=8 PMI_RANK=3 PMI_SIZE=8", "3/8"),
            ("auto", "RANK=3 WORLD_SIZE=8 LOCAL_RANK=1 LOCAL_WORLD_SIZE=2", "3/8"),
            ("auto/8", "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=8", "3/8"),
            // What schedulers say outside of arrays.
            ("auto", "LSB_JOBINDEX=0 SGE_TASK_ID=undefined PMI_RANK=1 PMI_SIZE=2", "1/2"),
            (" 1 / 3 ", "SLURM_ARRAY_TASK_ID=7", "1/3"),
        ] {
            assert_eq!(parse(flag, variables), Ok(expected.to_owned()), "{flag}: {variables}");
        }
    }

    #[test]
    fn ranks_within_an_array_multiply_with_it() {
        let array = slurm(2, 0, 3, 1, 4);
        for (flag, variables, expected) in [
            ("auto", "SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=3", "7/12"),
            ("auto", "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=3", "7/12"),
            // Daemons of mpirun are a step of their own.
            ("auto", "PMI_RANK=1 PMI_SIZE=3 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2", "7/12"),
            ("auto", "RANK=1 WORLD_SIZE=3 LOCAL_WORLD_SIZE=3 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1", "7/12"),
            ("auto/12", "SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=3", "7/12"),
        ] {
            // The later of two equal names counts, as in a process that inherits them.
            assert_eq!(parse(flag, &format!("{array} {variables}")), Ok(expected.to_owned()), "{variables}");
        }
        // A lost task, made again with all of its ranks.
        let redo = format!("{} SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=3", slurm(2, 2, 2, 1, 1));
        assert_eq!(parse("auto/12", &redo), Ok("7/12".to_owned()));
        assert_eq!(parse("auto/0-3", &redo), Ok("7/12".to_owned()));
        assert!(parse("auto/4", &redo).is_err_and(|e| e.contains("a multiple of the 3 ranks")));
        // An agent that srun started runs tasks of another scheduler, which have no ranks.
        let agent = "HQ_TASK_ID=3 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=4";
        assert_eq!(parse("auto/8", agent), Ok("3/8".to_owned()));
    }

    #[test]
    fn a_part_of_an_array_is_not_taken_for_the_whole() {
        // sbatch --array=2 after --array=0-3.
        let said = parse("auto", &slurm(2, 2, 2, 1, 1)).unwrap_err();
        assert!(said.contains("auto/4") && said.contains("task 2 alone"), "{said}");
        assert_eq!(parse("auto/4", &slurm(2, 2, 2, 1, 1)), Ok("2/4".to_owned()));
        assert_eq!(parse("auto/1-4", &slurm(2, 2, 2, 1, 1)), Ok("1/4".to_owned()));
        assert!(parse("auto", &slurm(0, 0, 0, 1, 1)).is_err());
        assert!(parse("auto", "SGE_TASK_ID=3 SGE_TASK_FIRST=3 SGE_TASK_LAST=3").is_err());
        assert_eq!(parse("auto/4", "SGE_TASK_ID=3 SGE_TASK_FIRST=3 SGE_TASK_LAST=3"), Ok("2/4".to_owned()));
        // Two of four made again, by their own numbers.
        assert_eq!(parse("auto/4", &slurm(3, 1, 3, 2, 2)), Ok("3/4".to_owned()));
        // --array=1,3,7, whatever the step is said to be.
        for step in [1, 2] {
            let said = parse("auto", &slurm(3, 1, 7, step, 3)).unwrap_err();
            assert!(said.contains("without gaps") && said.contains("3 tasks between 1 and 7"), "{said}");
        }
    }

    #[test]
    fn variables_that_contradict_each_other_are_refused() {
        for (flag, variables, expected) in [
            ("auto", slurm(9, 0, 3, 1, 4).as_str(), "SLURM_ARRAY_TASK_ID: expected a task of its array"),
            ("auto", slurm(1, 2, 5, 1, 4).as_str(), "SLURM_ARRAY_TASK_ID: expected a task of its array"),
            ("auto", slurm(3, 0, 6, 2, 4).as_str(), "in steps of 2"),
            ("auto", "SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=3", "which has 3 from 0 on"),
            (
                "auto",
                "SLURM_ARRAY_TASK_ID=-1 SLURM_ARRAY_TASK_COUNT=3",
                "SLURM_ARRAY_TASK_ID: expected a whole",
            ),
            ("auto", "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=x", "SLURM_ARRAY_TASK_COUNT: expected"),
            ("auto", "SLURM_ARRAY_TASK_ID=18446744073709551616", "SLURM_ARRAY_TASK_ID: expected a whole"),
            ("auto", "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=3", "OMPI_COMM_WORLD_RANK: expected less"),
            ("auto", "OMPI_COMM_WORLD_RANK=3", "OMPI_COMM_WORLD_SIZE: expected"),
            ("auto", "PMI_SIZE=3", "PMI_RANK: expected"),
            ("auto", "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=3 PMI_RANK=0 PMI_SIZE=1", "that agree"),
            ("auto/4", "SLURM_ARRAY_TASK_ID=1 JOB_COMPLETION_INDEX=2", "the variables of one array"),
            ("auto/4", "JOB_COMPLETION_INDEX=1 RANK=1 WORLD_SIZE=4 LOCAL_WORLD_SIZE=1", "ranks of one node"),
            ("auto/4", "PMI_RANK=1 PMI_SIZE=3", "auto/3, as the ranks say"),
            ("auto/2", "JOB_COMPLETION_INDEX=2", "a task from 0 to 1"),
            ("auto/5-9", "JOB_COMPLETION_INDEX=2", "a task from 5 to 9"),
            ("auto/9-5", "JOB_COMPLETION_INDEX=2", "in this order"),
            ("auto/0-3", "PMI_RANK=1 PMI_SIZE=3", "an array"),
            ("auto/0", "JOB_COMPLETION_INDEX=0", "from 1"),
            ("auto/18446744073709551615", "JOB_COMPLETION_INDEX=0", "at most"),
            ("auto/0-18446744073709551615", "JOB_COMPLETION_INDEX=0", "in this order"),
            (
                "auto/18446744073709551615-18446744073709551615",
                "JOB_COMPLETION_INDEX=2",
                "a task from 18446744073709551615 to 18446744073709551615",
            ),
            (
                "auto",
                "SGE_TASK_ID=1 SGE_TASK_FIRST=0 SGE_TASK_LAST=18446744073709551615",
                "part 1 of 18446744073709551615",
            ),
            ("auto/8", "HQ_TASK_ID=8", "auto/1-8 where they begin with 1"),
            ("auto", "JOB_COMPLETION_INDEX=2", "expected auto/n"),
            ("auto", "RANK=2 SLURM_PROCID=0 SLURM_NTASKS=4", "none of them"),
            ("auto", "TORCHELASTIC_RUN_ID=a RANK=2", "WORLD_SIZE: expected"),
            ("auto", "AWS_BATCH_JOB_ARRAY_INDEX=0 AWS_BATCH_JOB_ARRAY_SIZE=9999999", "part 0 of 9999999"),
        ] {
            let said = parse(flag, variables).expect_err(variables);
            assert!(said.contains(expected), "{flag}: {variables}: {said}");
            assert!(said.contains("expected ") && said.contains(", found "), "{said}");
        }
        for bad in ["3/3", "-1/3", "x", "1/0", "0/", "/3", "1/3/5", "auto/x", "auto/", "auto/1-", "1-2/3", ""]
        {
            assert!(parse(bad, "JOB_COMPLETION_INDEX=1").is_err(), "{bad}");
        }
    }

    #[test]
    fn parts_share_all_pieces_out() {
        for (pieces, count) in [(0, 3), (7, 3), (28, 5), (2, 4), (usize::MAX, 1_000_000)] {
            let ends: Vec<_> = (0..count).map(|index| Shard { index, count }.range(pieces)).collect();
            assert!(ends[0].start == 0 && ends[count - 1].end == pieces);
            assert!(ends.windows(2).all(|w| w[0].end == w[1].start));
        }
        let dealt = |index| (0..7).filter(move |i| Shard { index, count: 3 }.deals(*i)).collect::<Vec<_>>();
        assert_eq!([dealt(0), dealt(1), dealt(2)].map(|d| d.len()), [3, 2, 2]);
    }
}
