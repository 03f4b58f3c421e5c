//! The text of a figure as LaTeX, over a PDF of its shapes: `\input` of the file sets it in the document's own fonts.
//!
//! The file is a `picture` whose unit is the figure's width: `\def\figwidth{3in}` before the `\input` makes it as wide as that.
//! It needs the packages graphicx and xcolor.

use super::png;
use crate::base::{Error, Result};
use resvg::usvg::{Group, Node, Paint, Text, TextAnchor};
use std::fmt::Write as _;

/// The `.pdf_tex` file for `svg`, whose shapes are in the PDF file `shapes` beside it.
pub fn encode(svg: &str, shapes: &str) -> Result<String> {
    let tree = png::parse(svg, 72)?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let mut out = format!(
        "% \\input this file; needs graphicx and xcolor. \\def\\figwidth{{3in}} before it sets the width.\n\
         \\begingroup\n\
         \\ifx\\figwidth\\undefined \\setlength{{\\unitlength}}{{{width:.3}bp}}\\else \\setlength{{\\unitlength}}{{\\figwidth}}\\fi\n\
         \\begin{{picture}}(1,{:.6})\n\
         \\put(0,0){{\\includegraphics[width=\\unitlength]{{{shapes}}}}}\n",
        height / width
    );
    write(tree.root(), (width, height), &mut out)?;
    out.push_str("\\end{picture}\n\\endgroup\n");
    Ok(out)
}

fn write(group: &Group, size: (f32, f32), out: &mut String) -> Result<()> {
    for node in group.children() {
        match node {
            Node::Group(inner) => write(inner, size, out)?,
            Node::Text(text) => line(text, size, out)?,
            _ => {}
        }
    }
    Ok(())
}

fn line(text: &Text, (width, height): (f32, f32), out: &mut String) -> Result<()> {
    let to_page = text.abs_transform();
    for chunk in text.chunks() {
        let Some(span) = chunk.spans().first() else { continue };
        let (x, y) = (chunk.x().unwrap_or_default(), chunk.y().unwrap_or_default());
        let (u, v) =
            (to_page.sx * x + to_page.kx * y + to_page.tx, to_page.ky * x + to_page.sy * y + to_page.ty);
        let scale = to_page.sx.hypot(to_page.ky);
        let angle = -to_page.ky.atan2(to_page.sx).to_degrees();
        let points = span.font_size().get() * scale;
        let anchor = match chunk.anchor() {
            TextAnchor::Start => "lb",
            TextAnchor::Middle => "b",
            TextAnchor::End => "rb",
        };
        let ink = match span.fill().map(|f| f.paint()) {
            Some(Paint::Color(c)) => [c.red, c.green, c.blue].map(|c| format!("{:.3}", f32::from(c) / 255.0)),
            _ => return Err(Error::machine("drawing a figure for LaTeX", "expected text of one colour")),
        };
        let words = latex(chunk.text());
        let words = if span.font().weight() > 500 { format!("\\textbf{{{words}}}") } else { words };
        let _ = writeln!(
            out,
            "\\put({:.5},{:.5}){{\\color[rgb]{{{}}}\\rotatebox{{{angle:.1}}}{{\\makebox(0,0)[{anchor}]{{\\smash{{\
             \\fontsize{{{points:.1}bp}}{{{points:.1}bp}}\\selectfont {words}}}}}}}}}%",
            u / width,
            (height - v) / width,
            ink.join(",")
        );
    }
    Ok(())
}

/// Text as LaTeX prints it: its special characters, the Greek letters, and what figures use of mathematics.
fn latex(text: &str) -> String {
    const GREEK: [(char, &str); 30] = [
        ('α', "alpha"),
        ('β', "beta"),
        ('γ', "gamma"),
        ('δ', "delta"),
        ('ε', "varepsilon"),
        ('ζ', "zeta"),
        ('η', "eta"),
        ('θ', "theta"),
        ('ι', "iota"),
        ('κ', "kappa"),
        ('λ', "lambda"),
        ('μ', "mu"),
        ('ν', "nu"),
        ('ξ', "xi"),
        ('π', "pi"),
        ('ρ', "rho"),
        ('σ', "sigma"),
        ('τ', "tau"),
        ('φ', "varphi"),
        ('χ', "chi"),
        ('ψ', "psi"),
        ('ω', "omega"),
        ('Δ', "Delta"),
        ('Λ', "Lambda"),
        ('Σ', "Sigma"),
        ('Φ', "Phi"),
        ('Ω', "Omega"),
        ('∇', "nabla"),
        ('∞', "infty"),
        ('∂', "partial"),
    ];
    const SIGNS: [(char, &str); 12] = [
        ('×', "times"),
        ('±', "pm"),
        ('≤', "le"),
        ('≥', "ge"),
        ('≈', "approx"),
        ('·', "cdot"),
        ('→', "to"),
        ('√', "surd"),
        ('…', "ldots"),
        ('∈', "in"),
        ('≠', "ne"),
        ('∝', "propto"),
    ];
    const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺";
    const LOWERED: &str = "₀₁₂₃₄₅₆₇₈₉₋₊";
    const PLAIN: [char; 12] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-', '+'];
    let shifted = |c: char, row: &str| row.chars().position(|r| r == c).map(|k| PLAIN[k]);
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        for (row, sign) in [(RAISED, '^'), (LOWERED, '_')] {
            if let Some(first) = shifted(c, row) {
                let mut digits = String::from(first);
                while let Some(next) = rest.peek().and_then(|n| shifted(*n, row)) {
                    digits.push(next);
                    rest.next();
                }
                let _ = write!(out, "${sign}{{{digits}}}$");
            }
        }
        if shifted(c, RAISED).or(shifted(c, LOWERED)).is_some() {
            continue;
        }
        let named = GREEK.iter().chain(&SIGNS).find(|(sign, _)| *sign == c);
        match (c, named) {
            ('−', _) => out.push_str("$-$"),
            ('‖', _) => out.push_str("$\\|$"),
            (_, Some((_, name))) => {
                let _ = write!(out, "$\\{name}$");
            }
            ('\\', _) => out.push_str("\\textbackslash{}"),
            ('~', _) => out.push_str("\\textasciitilde{}"),
            ('^', _) => out.push_str("\\textasciicircum{}"),
            ('<', _) => out.push_str("$<$"),
            ('>', _) => out.push_str("$>$"),
            ('|', _) => out.push_str("$|$"),
            ('#' | '$' | '%' | '&' | '_' | '{' | '}', _) => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::latex;

    #[test]
    fn special_characters_greek_and_exponents_are_written_as_latex_has_them() {
        assert_eq!(latex("λ_max: 50 % of 2×10⁻³"), "$\\lambda$\\_max: 50 \\% of 2$\\times$10$^{-3}$");
        assert_eq!(latex("‖θ − θ₀‖"), "$\\|$$\\theta$ $-$ $\\theta$$_{0}$$\\|$");
    }
}
