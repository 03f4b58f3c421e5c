//! `losscape product`: one process that multiplies a network's curvature with the vectors that another program sends, so that
//! this one's eigensolver asks for products and not for processes.
//!
//! All numbers are little-endian. The process begins with the eight bytes `products` and p as u64. Each request is a u64, k: for
//! k at least 1 there follow k vectors of p f64, and the answer is their k products, p f64 each; for k = 0 the answer is the loss,
//! the gradient and the weights, 1 + 2 p f64. The end of the input ends the process with 0. What is wrong with a request is
//! one line on standard error and exit code 2, as everywhere.

use super::Subcommand;
use super::arguments::{Common, config_and_out, name_kinds};
use super::config::Sources;
use super::networks::{self, Networks};
use crate::analyses::product::{Point, ProductSettings};
use crate::base::pool::on_workers;
use crate::base::{Error, Result, interrupt, memory};
use crate::render::Style;
use crate::spectral::Operator;
use clap::{ArgMatches, Args, Command};
use std::io::{ErrorKind, Read, Write};

pub const COMMAND: Subcommand = Subcommand {
    name: "product",
    about: "Multiply a network's curvature with vectors from standard input, for other programs",
    examples: EXAMPLES,
    command,
    run,
};

const EXAMPLES: &str = "Examples:
  losscape product --run runs/a < requests > answers

In Python, losscape.hessian(\"runs/a\") is this process as a LinearOperator of SciPy.

All numbers are little-endian. The answer begins with the eight bytes `products` and p, the number of parameters, as u64. A
request is a number k as u64 and k vectors of p f64; its answer is their products, k vectors of p f64. The request 0 asks
for the loss, the gradient and the weights, 1 + 2 p f64. The process ends where its input does.";

/// First of all, so that the other side knows what speaks.
const GREETING: &[u8; 8] = b"products";

/// Vectors in one request; what is no request at all announces more.
const MOST: u64 = 1 << 20;

fn command(command: Command) -> Command {
    let command = ProductSettings::augment_args(networks::argument(command));
    let command = config_and_out(Common::augment_args(command), "none").mut_arg("out", |arg| arg.hide(true));
    name_kinds(command.mut_arg("json", |arg| arg.hide(true)))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: ProductSettings = sources.take(&[])?;
    let networks = Networks::take(&mut sources)?;
    let common: Common = sources.take(&[])?;
    sources.finish()?;
    settings.check()?;
    if networks.count() != 1 {
        return Err(Error::expected("--run", "one network", networks.count()));
    }
    common.apply()?;
    let runs = networks.read_or(1, false, &Style::default(), common.quiet, &|_, _| Ok(()))?;
    let [run] = runs.as_slice() else { return Err(Error::expected("--run", "one network", runs.len())) };
    settings.with(run, |operator, point| serve(operator, point))
}

/// Answers until the input ends.
fn serve(operator: &dyn Operator, point: &Point) -> Result<()> {
    let p = operator.dimension();
    send(GREETING)?;
    send(&(p as u64).to_le_bytes())?;
    let mut input = std::io::stdin().lock();
    loop {
        let Some(count) = request(&mut input)? else { return Ok(()) };
        if count > MOST {
            return Err(Error::expected("standard input", format!("at most {MOST} vectors at once"), count));
        }
        let answer = if count == 0 {
            [&[point.loss], point.gradient.as_slice(), &point.theta].concat()
        } else {
            let bytes = count.saturating_mul(p as u64).saturating_mul(size_of::<f64>() as u64);
            memory::fits(bytes.saturating_mul(3), format_args!("{count} vectors of {p} numbers"))?;
            let mut sent = vec![0; bytes as usize];
            input.read_exact(&mut sent).map_err(|e| failed(&e, "the vectors that were announced"))?;
            let number = |eight: &[u8]| f64::from_le_bytes(std::array::from_fn(|i| eight[i]));
            let block: Vec<f64> = sent.chunks_exact(size_of::<f64>()).map(number).collect();
            on_workers(|| operator.apply(&block, count as usize))
        };
        // What a signal cut short is no product.
        interrupt::check("product", "nothing is kept")?;
        send(&answer.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
    }
}

/// How many vectors are coming; none at the end of the input.
fn request(input: &mut impl Read) -> Result<Option<u64>> {
    let mut count = [0; size_of::<u64>()];
    let mut there = 0;
    while there < count.len() {
        match input.read(&mut count[there..]) {
            Ok(0) if there == 0 => return Ok(None),
            Ok(0) => return Err(Error::expected("standard input", "a number of eight bytes", there)),
            Ok(more) => there += more,
            Err(e) if e.kind() == ErrorKind::Interrupted => interrupt::check("product", "nothing is kept")?,
            Err(e) => return Err(Error::machine("standard input", e)),
        }
    }
    Ok(Some(u64::from_le_bytes(count)))
}

fn failed(e: &std::io::Error, expected: &str) -> Error {
    match e.kind() {
        ErrorKind::UnexpectedEof => Error::expected("standard input", expected, "its end"),
        _ => Error::machine("standard input", e),
    }
}

fn send(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|e| Error::machine("standard output", e))
}
