//! How help is laid out: examples that fit a narrow terminal and can be copied, and the flags of pictures in one line.

use crate::render::Style;
use clap::{Args, Command};

/// Columns that every terminal has.
const NARROW: usize = 78;
/// Where comments stand beside short commands.
const BESIDE: usize = 46;
/// What stands before a comment below its command, and before the rest of a command.
const BELOW: &str = "      ";

/// Examples as they are written in the code, for a terminal of any width: a comment stands beside its command where both
/// fit, else below it; a long command goes on in the next line; paragraphs are lines that clap breaks where the terminal
/// ends.
///
/// A command begins with two spaces and ends at the next two or more, where its comment begins; a line of spaces and
/// words is more of the comment above.
pub(super) fn laid_out(examples: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    for line in examples.lines().chain([""]) {
        let words = line.trim_start();
        if line.starts_with("  losscape") {
            let (command, comment) = words.split_once("  ").unwrap_or((words, ""));
            let comment = comment.trim();
            commands.push((
                command.to_owned(),
                [comment].iter().filter(|c| !c.is_empty()).map(|c| (*c).to_owned()).collect(),
            ));
            continue;
        }
        if let (true, Some((_, comments))) = (line.starts_with("  "), commands.last_mut()) {
            comments.push(words.to_owned());
            continue;
        }
        out.extend(commands.drain(..).map(|(command, comments)| example(&command, &comments.join(" "))));
        if !words.is_empty() && (!words.ends_with(':') || !paragraph.is_empty()) {
            paragraph.push(words);
            continue;
        }
        if !paragraph.is_empty() {
            out.push(paragraph.join(" "));
            paragraph.clear();
        }
        out.push(words.to_owned());
    }
    out.join("\n").trim_end().to_owned()
}

/// A command and its comment.
fn example(command: &str, comment: &str) -> String {
    let lines = broken(command);
    let text = format!("  {}", lines.join(&format!(" \\\n{BELOW}")));
    if comment.is_empty() {
        return text;
    }
    let beside = format!("{text:BESIDE$} {comment}");
    if lines.len() == 1 && text.len() < BESIDE && beside.chars().count() <= NARROW {
        return beside;
    }
    format!("{text}\n{BELOW}# {comment}")
}

/// A command in lines that fit, broken before flags.
fn broken(command: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut parts = command.split(" --");
    lines.push(parts.next().unwrap_or_default().to_owned());
    for flag in parts {
        let last = lines.len() - 1;
        if lines[last].len() + flag.len() + 3 + BELOW.len() + 2 <= NARROW {
            lines[last] += &format!(" --{flag}");
        } else {
            lines.push(format!("--{flag}"));
        }
    }
    lines
}

/// Adds the flags of pictures; help shows one of them and names the others, which `losscape plot --help` explains.
pub(super) fn pictures(command: Command) -> Command {
    let flags = Style::augment_args(Command::new("style"));
    let ids: Vec<&str> = flags.get_arguments().map(|arg| arg.get_id().as_str()).collect();
    let command = Style::augment_args(command.next_help_heading("Pictures"));
    let Some((shown, hidden)) = ids.split_first() else { return command };
    let names: Vec<String> = hidden.iter().map(|id| format!("--{}", id.replace('_', "-"))).collect();
    let command = hidden.iter().fold(command, |command, id| command.mut_arg(id, |arg| arg.hide(true)));
    command.mut_arg(shown, |arg| {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let help = format!("{help}; also {}, as `losscape plot --help` says", names.join(", "));
        arg.help(help).hide_possible_values(true)
    })
}

#[cfg(test)]
mod tests {
    use super::laid_out;

    #[test]
    fn examples_fit_and_keep_their_comments() {
        let text = "Examples:
  losscape slice                          a short one
  losscape slice --run runs/a --directions eigenvectors --maps curvature,gradient-norm --x=-1:1:51 --out out/e
                                          of two
                                          lines
  losscape slice --run runs/a --line --repeat 10 --out out/many       this one is below

A paragraph and
pictures: in two lines.
Exit codes: 0.";
        let expected = "Examples:
  losscape slice                               a short one
  losscape slice --run runs/a --directions eigenvectors \\
      --maps curvature,gradient-norm --x=-1:1:51 --out out/e
      # of two lines
  losscape slice --run runs/a --line --repeat 10 --out out/many
      # this one is below

A paragraph and pictures: in two lines. Exit codes: 0.";
        assert_eq!(laid_out(text), expected);
    }
}
