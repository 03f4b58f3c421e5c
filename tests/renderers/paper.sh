#!/usr/bin/env bash
# Pictures as papers take them: every PDF of a result has its fonts embedded and its words as text, and a LaTeX document with
# figures of three widths, and with LaTeX's own text, compiles. Needs poppler-utils and pdflatex; run it by hand:
#   tests/renderers/paper.sh target/release/losscape out/slice
set -euo pipefail
program=$(realpath "$1")
result=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for width in column text page; do
    "$program" plot "$result" --format pdf,tex --width "$width" --out "$width" --quiet
done
for file in column/*.pdf; do
    case $file in *-shapes.pdf) continue ;; esac
    pdffonts "$file" | awk 'NR > 2 { n++; if ($5 $6 $7 != "yesyesyes" && $6 $7 $8 != "yesyesyes") bad = 1 } END { exit bad || !n }' ||
        { echo "$file: a font is not embedded" >&2; exit 1; }
    # The words of the SVG beside it, but for what is drawn as a number along a contour.
    "$program" plot "$result" --format svg --width column --out svg --quiet
    sed -n 's/.*text-anchor="[a-z]*"[^>]*>\([^<]*\)<.*/\1/p' "svg/$(basename "$file" .pdf).svg" | grep -E '[a-z]{4}' |
        sed 's/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&amp;/\&/g' | while read -r words; do
        pdftotext -raw "$file" - | tr -s ' \n' ' ' | grep -qF -- "${words%% *}" || { echo "$file: \"$words\" is no text" >&2; exit 1; }
    done
done
{
    printf '\\documentclass{article}\\usepackage{graphicx,xcolor}\\begin{document}\n'
    for file in */*.pdf; do
        case $file in *-shapes.pdf) continue ;; esac
        printf '\\includegraphics[width=\\linewidth]{%s}\n\n' "$file"
    done
    for file in column/*.pdf_tex; do
        printf '{\\graphicspath{{column/}}\\input{%s}}\n\n' "$file"
    done
    printf '\\end{document}\n'
} >paper.tex
pdflatex -interaction=nonstopmode -halt-on-error paper.tex >paper.out || { tail -20 paper.out >&2; exit 1; }
echo "$(find column -name '*.pdf' ! -name '*-shapes.pdf' | wc -l) PDF files have their fonts and words, and LaTeX takes them"
