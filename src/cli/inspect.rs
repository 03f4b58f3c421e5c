//! `losscape inspect`: what was understood of a network that another program wrote.

use super::Subcommand;
use super::arguments::{Common, config_and_out};
use super::config::Sources;
use super::{networks, output};
use crate::analyses::inspect::{Along, Asked, inspect};
use crate::base::files::brief;
use crate::base::{Precision, Result};
use clap::{Arg, ArgAction, ArgMatches, Args, Command};
use serde_json::Value;
use std::path::PathBuf;

pub const COMMAND: Subcommand = Subcommand {
    name: "inspect",
    about: "What was understood of an exported network: parameters, inputs, operators, and its derivatives",
    examples: EXAMPLES,
    command,
    run,
};

const EXAMPLES: &str = "Examples:
  losscape inspect model.pt2                                            parameters, inputs and operators
  losscape inspect model.pt2 --data npz:file=batch.npz                  loss and gradient norm as well
  losscape inspect model.pt2 --data npz:file=batch.npz --along sine --precision f64 --json
  losscape inspect model.pt2 --data npz:file=batch.npz --eigenvalues    of the whole Hessian of a small network

The file is an archive of torch.export.save whose module returns the mean loss of its batch. The arrays of the data are
called as the arguments of its forward. Along a direction v: g.v, v.Hv and |Hv|, exact; `sine` is v_i = sin(i + 1) over all
parameters in the order of the file.";

fn command(command: Command) -> Command {
    let command = command
        .arg(Arg::new("file").value_name("FILE").required(true).value_parser(clap::value_parser!(PathBuf)).help("Archive of torch.export.save (.pt2), or a model of ONNX"))
        .arg(
            Arg::new("along")
                .long("along")
                .value_name("DIRECTION")
                .value_parser(clap::value_parser!(Along))
                .help("Derivatives along a direction: sine, gradient, or a safetensors file with the parameters' names"),
        )
        .arg(
            Arg::new("precision")
                .long("precision")
                .value_name("TYPE")
                .value_parser(clap::value_parser!(Precision))
                .help("Element type, f32 or f64 [default: that of the parameters]"),
        )
        .arg(
            Arg::new("eigenvalues")
                .long("eigenvalues")
                .action(ArgAction::SetTrue)
                .help("All eigenvalues of the Hessian, of at most 3000 parameters"),
        );
    config_and_out(Common::augment_args(networks::beside(command)), "none")
        .mut_arg("out", |arg| arg.hide(true))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let common: Common = sources.take(&[])?;
    let beside = networks::take_beside(&mut sources)?;
    sources.finish()?;
    common.apply()?;
    let asked = Asked {
        along: matches.get_one::<Along>("along").cloned(),
        precision: matches.get_one::<Precision>("precision").copied(),
        eigenvalues: matches.get_flag("eigenvalues"),
        memory: 4.0,
    };
    let path: &PathBuf =
        matches.get_one("file").ok_or_else(|| crate::base::Error::expected("FILE", "one", "none"))?;
    let found = inspect(path, &beside, &asked)?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&found),
        (_, true) => Ok(()),
        _ => output::print(&summary(&found)),
    }
}

/// The numbers in lines.
fn summary(found: &Value) -> String {
    let text = |value: &Value| brief(value.as_str().unwrap_or_default());
    let list = |value: &Value| {
        let items = value.as_array().into_iter().flatten();
        items.map(|v| v.as_str().map_or_else(|| v.to_string(), brief)).collect::<Vec<_>>().join(" x ")
    };
    let mut lines = vec![format!("{} parameters", found["parameters"])];
    let rows = |key: &str, last: &str| -> Vec<[String; 3]> {
        let row = |row: &Value| {
            let outputs = match row["axis"].as_u64() {
                Some(axis) if axis > 0 => format!(", outputs along axis {axis}"),
                _ => String::new(),
            };
            [text(&row["name"]), list(&row["shape"]), text(&row[last]) + &outputs]
        };
        found[key].as_array().into_iter().flatten().map(row).collect()
    };
    let (tensors, inputs) = (rows("tensors", "role"), rows("inputs", "type"));
    let all = || tensors.iter().chain(&inputs);
    let width = |column: usize| all().map(|r| r[column].chars().count()).max().unwrap_or(0);
    let (names, shapes) = (width(0), width(1));
    let line = |[name, shape, last]: &[String; 3]| {
        format!("  {name:<names$}  {shape:<shapes$}  {last}").trim_end().to_owned()
    };
    lines.extend(tensors.iter().map(line));
    lines.push("inputs".to_owned());
    lines.extend(inputs.iter().map(line));
    let operators = found["operators"].as_object().into_iter().flatten();
    let counted: Vec<String> = operators.map(|(name, count)| format!("{} {count}", brief(name))).collect();
    lines.push(format!("operators: {}", counted.join(", ")));
    let unknown = list(&found["unknown_operators"]);
    if !unknown.is_empty() {
        lines.push(format!("not understood: {}", unknown.replace(" x ", ", ")));
    }
    lines.extend(
        found["doubts"].as_array().into_iter().flatten().map(|doubt| format!("note: {}", text(doubt))),
    );
    if !found["folded"].is_null() {
        let folded = &found["folded"];
        lines.push(format!("folded: {folded} operations depend on neither parameters nor inputs"));
    }
    lines.push(format!("returns: {}", list(&found["outputs"]).replace(" x ", ", ")));
    for (key, label) in [
        ("samples", "samples"),
        ("loss", "loss"),
        ("accuracy", "accuracy"),
        ("gradient_norm", "gradient norm"),
    ] {
        if !found[key].is_null() {
            lines.push(format!(
                "{label}: {}",
                found[key].as_str().map_or_else(|| found[key].to_string(), str::to_owned)
            ));
        }
    }
    for (name, value) in found["metrics"].as_object().into_iter().flatten() {
        lines.push(format!("metric {}: {value}", brief(name)));
    }
    if let Some(along) = found["along"].as_object() {
        lines.push(format!(
            "along the direction: g.v {}, v.Hv {}, |Hv| {}",
            along["gv"], along["vhv"], along["hv_norm"]
        ));
    }
    if let Some(values) = found["eigenvalues"].as_array() {
        let ends = [values.first(), values.last()].map(|v| v.map_or(String::new(), Value::to_string));
        lines.push(format!("{} eigenvalues from {} down to {}", values.len(), ends[0], ends[1]));
    }
    lines.join("\n") + "\n"
}
