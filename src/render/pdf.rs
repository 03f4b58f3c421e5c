//! The SVG as PDF: vector shapes and real text, with the glyphs that are used embedded.
//!
//! The tree that PNG files are drawn from is walked once. A figure knows fills, strokes, dashes, rectangles that clip and text
//! in one font; that is what is written here, and anything else is an error rather than a gap. A file holds no date and no
//! random name: the same figure gives the same bytes. Format: ISO 32000-1 (PDF 1.7); fonts: 9.7, composite fonts.

use super::png;
use crate::base::{Error, Result};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, LineCapStyle, LineJoinStyle, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use resvg::tiny_skia::{PathSegment, Pixmap, Transform};
use resvg::usvg::fontdb::ID;
use resvg::usvg::layout::PositionedGlyph;
use resvg::usvg::{FillRule, Group, LineCap, LineJoin, Node, Paint, Path, Text, Tree};
use skrifa::MetadataProvider;
use skrifa::instance::{LocationRef, Size};
use std::collections::BTreeMap;
use std::io::Write as _;
use subsetter::GlyphRemapper;

/// Points an inch.
const POINTS: u32 = 72;

/// What a PDF leaves out or turns into pixels.
#[derive(Clone, Copy, Debug, Default)]
pub struct How {
    /// Without text, which LaTeX sets over it.
    pub bare: bool,
    /// The shapes of groups named `mesh` as one image of so many pixels an inch: thousands of patches of a surface draw slowly.
    pub raster: Option<u32>,
}

/// `svg` as a PDF file of one page called `title`.
///
/// # Errors
///
/// When the document holds what figures do not have, such as a gradient.
pub fn encode(svg: &str, title: &str, how: How) -> Result<Vec<u8>> {
    let tree = png::parse(svg, POINTS)?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let mut page = Page::new(&tree, how);
    page.content.transform([1.0, 0.0, 0.0, -1.0, 0.0, height]);
    page.group(tree.root(), 1.0)?;
    page.write(title, width, height)
}

/// A face of the font, and which of its glyphs are used: new number, width in thousandths of the font size, text.
struct Face {
    id: ID,
    glyphs: GlyphRemapper,
    used: BTreeMap<u16, (f32, String)>,
}

/// What the drawing operators have set; each is written again only where it changes.
#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    fill: Option<[u8; 3]>,
    line: Option<[u8; 3]>,
    width: Option<f32>,
    dashes: Option<Vec<f32>>,
    ends: Option<(LineCapStyle, LineJoinStyle)>,
    opacity: Option<(u8, u8)>,
}

struct Page<'a> {
    tree: &'a Tree,
    how: How,
    content: Content,
    state: State,
    /// In the order of their use.
    faces: Vec<Face>,
    /// Opacities of fills and strokes in 255ths, in the order of their use.
    opacities: Vec<(u8, u8)>,
    images: Vec<Pixmap>,
}

impl<'a> Page<'a> {
    fn new(tree: &'a Tree, how: How) -> Self {
        Self {
            tree,
            how,
            content: Content::new(),
            state: State::default(),
            faces: Vec::new(),
            opacities: Vec::new(),
            images: Vec::new(),
        }
    }

    /// Everything in `group`. Its opacity is that of each of its shapes: in a figure, a group that is see-through holds one.
    fn group(&mut self, group: &Group, opacity: f32) -> Result<()> {
        if group.mask().is_some() || !group.filters().is_empty() {
            return Err(unknown("a mask or a filter"));
        }
        let opacity = opacity * group.opacity().get();
        let clip = group.clip_path();
        let own = clip.is_some() || !group.transform().is_identity();
        let outside = self.state.clone();
        if own {
            self.content.save_state();
            self.content.transform(matrix(group.transform()));
        }
        if let Some(clip) = clip {
            for node in clip.root().children() {
                let Node::Path(path) = node else { return Err(unknown("a clip that is no path")) };
                outline(&mut self.content, path);
            }
            self.content.clip_nonzero();
            self.content.end_path();
        }
        for node in group.children() {
            match (node, self.how.raster) {
                (Node::Group(inner), Some(dpi)) if inner.id().starts_with(MESH) => {
                    self.image(node, group, dpi)?
                }
                (Node::Group(inner), _) => self.group(inner, opacity)?,
                (Node::Path(path), _) => self.path(path, opacity)?,
                (Node::Text(_), _) if self.how.bare => {}
                (Node::Text(text), _) => self.text(text, opacity)?,
                (Node::Image(_), _) => return Err(unknown("an image")),
            }
        }
        if own {
            self.content.restore_state();
            self.state = outside;
        }
        Ok(())
    }

    fn path(&mut self, path: &Path, opacity: f32) -> Result<()> {
        if !path.is_visible() {
            return Ok(());
        }
        let fill = path.fill().map(|f| Ok::<_, Error>((color(f.paint())?, f.opacity().get(), f.rule())));
        let line = path.stroke().map(|s| Ok::<_, Error>((color(s.paint())?, s.opacity().get())));
        let (fill, line) = (fill.transpose()?, line.transpose()?);
        let share = |own: Option<f32>| (own.unwrap_or(1.0) * opacity * 255.0).round() as u8;
        self.opacity(share(fill.map(|f| f.1)), share(line.map(|l| l.1)));
        if let Some((ink, ..)) = fill {
            self.fill(ink);
        }
        if let (Some((ink, _)), Some(stroke)) = (line, path.stroke()) {
            if self.state.line != Some(ink) {
                let [r, g, b] = ink.map(unit);
                self.content.set_stroke_rgb(r, g, b);
            }
            let ends = (cap(stroke.linecap()), join(stroke.linejoin()));
            if self.state.ends != Some(ends) {
                self.content.set_line_cap(ends.0).set_line_join(ends.1);
            }
            let width = stroke.width().get();
            if self.state.width != Some(width) {
                self.content.set_line_width(width);
            }
            let dashes = stroke.dasharray().unwrap_or_default().to_vec();
            if self.state.dashes.as_ref() != Some(&dashes) {
                self.content.set_dash_pattern(dashes.iter().copied(), stroke.dashoffset());
            }
            let (line, width, dashes, ends) = (Some(ink), Some(width), Some(dashes), Some(ends));
            self.state = State { line, width, dashes, ends, ..self.state.clone() };
        }
        outline(&mut self.content, path);
        match (fill.map(|f| f.2), line) {
            (Some(FillRule::NonZero), Some(_)) => self.content.fill_nonzero_and_stroke(),
            (Some(FillRule::EvenOdd), Some(_)) => self.content.fill_even_odd_and_stroke(),
            (Some(FillRule::NonZero), None) => self.content.fill_nonzero(),
            (Some(FillRule::EvenOdd), None) => self.content.fill_even_odd(),
            (None, Some(_)) => self.content.stroke(),
            (None, None) => self.content.end_path(),
        };
        Ok(())
    }

    fn fill(&mut self, ink: [u8; 3]) {
        if self.state.fill != Some(ink) {
            let [r, g, b] = ink.map(unit);
            self.content.set_fill_rgb(r, g, b);
            self.state.fill = Some(ink);
        }
    }

    fn opacity(&mut self, fill: u8, line: u8) {
        let both = (fill, line);
        if self.state.opacity == Some(both) || (self.state.opacity.is_none() && both == (255, 255)) {
            return;
        }
        let known = self.opacities.iter().position(|o| *o == both);
        let k = known.unwrap_or(self.opacities.len());
        if known.is_none() {
            self.opacities.push(both);
        }
        self.content.set_parameters(Name(format!("o{k}").as_bytes()));
        self.state.opacity = Some(both);
    }

    /// Lines of text: glyphs in a row that stand where their widths put them are one string, which viewers find and copy.
    fn text(&mut self, text: &Text, opacity: f32) -> Result<()> {
        for span in text.layouted().iter().filter(|span| span.visible) {
            let Some(fill) = &span.fill else { continue };
            self.opacity((fill.opacity().get() * opacity * 255.0).round() as u8, 255);
            self.fill(color(fill.paint())?);
            let mut rest = &span.positioned_glyphs[..];
            while let Some(first) = rest.first() {
                let same = rest.iter().take_while(|g| g.font == first.font).count();
                self.line(&rest[..same])?;
                rest = &rest[same..];
            }
        }
        Ok(())
    }

    /// Glyphs of one face along one baseline.
    fn line(&mut self, glyphs: &[PositionedGlyph]) -> Result<()> {
        let Some(first) = glyphs.first() else { return Ok(()) };
        let known = self.faces.iter().position(|face| face.id == first.font);
        let k = known.unwrap_or(self.faces.len());
        if known.is_none() {
            self.faces.push(Face { id: first.font, glyphs: GlyphRemapper::new(), used: BTreeMap::new() });
        }
        let face = &mut self.faces[k];
        let (start, items) = of_face(self.tree, first.font, |font| {
            let em = f32::from(font.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
            let advances = font.glyph_metrics(Size::unscaled(), LocationRef::default());
            // From an em, upwards, to the page.
            let placed = |g: &PositionedGlyph| g.outline_transform().pre_scale(em, em);
            let start = placed(first);
            let back = start.invert().ok_or_else(|| unknown("text of no size"))?;
            let mut pen = 0.0_f32;
            let mut items: Vec<(f32, [u8; 2])> = Vec::new();
            for glyph in glyphs {
                let new = face.glyphs.remap(u16::try_from(glyph.id.0).map_err(failed)?);
                let advance = advances.advance_width(glyph.id.0.into()).unwrap_or_default() / em;
                face.used.entry(new).or_insert_with(|| (advance * 1000.0, glyph.text.clone()));
                let here = back.pre_concat(placed(glyph)).tx;
                // Positive numbers move to the left, in thousandths of the size.
                items.push(((pen - here) * 1000.0, new.to_be_bytes()));
                pen = here + advance;
            }
            Ok((start, items))
        })?;
        self.content.begin_text();
        self.content.set_font(Name(format!("f{k}").as_bytes()), 1.0);
        self.content.set_text_matrix(matrix(start));
        let mut positioned = self.content.show_positioned();
        let mut row = positioned.items();
        let mut string: Vec<u8> = Vec::new();
        for (shift, glyph) in items {
            if shift.abs() > 0.5 {
                if !string.is_empty() {
                    row.show(Str(&string));
                    string.clear();
                }
                row.adjust(shift.round());
                // What rounding leaves is under a thousandth of the size.
            }
            string.extend(glyph);
        }
        row.show(Str(&string));
        row.finish();
        positioned.finish();
        self.content.end_text();
        Ok(())
    }

    /// The shapes of `node`, which lies in `parent`, as one image.
    fn image(&mut self, node: &Node, parent: &Group, dpi: u32) -> Result<()> {
        let Some(bounds) = node.abs_layer_bounding_box() else { return Ok(()) };
        let scale = dpi as f32 / POINTS as f32;
        let pixels = |points: f32| ((points * scale).ceil() as u32).max(1);
        let (width, height) = (pixels(bounds.width()), pixels(bounds.height()));
        let mut image = Pixmap::new(width, height).ok_or_else(|| failed("no memory for an image"))?;
        // `render_node` moves the corner of the bounds, which are the page's, to the origin.
        let parent = parent.abs_transform();
        let to = Transform::from_scale(scale, scale)
            .pre_translate(-bounds.x(), -bounds.y())
            .pre_concat(parent)
            .pre_translate(bounds.x(), bounds.y());
        resvg::render_node(node, to, &mut image.as_mut());
        let back = parent.invert().ok_or_else(|| unknown("a mesh of no size"))?;
        let (w, h) = (width as f32 / scale, height as f32 / scale);
        self.content.save_state();
        self.content.transform(matrix(back));
        // An image is the unit square, upwards.
        self.content.transform([w, 0.0, 0.0, -h, bounds.x(), bounds.y() + h]);
        self.content.x_object(Name(format!("i{}", self.images.len()).as_bytes()));
        self.content.restore_state();
        self.images.push(image);
        Ok(())
    }

    /// The file.
    fn write(self, title: &str, width: f32, height: f32) -> Result<Vec<u8>> {
        let mut next = 0;
        let mut new = || {
            next += 1;
            Ref::new(next)
        };
        let [catalog, pages, page, content, info] = [new(), new(), new(), new(), new()];
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(pages);
        pdf.pages(pages).kids([page]).count(1);
        pdf.document_info(info).title(TextStr(title)).creator(TextStr("losscape"));
        let fonts: Vec<Ref> = self.faces.iter().map(|_| new()).collect();
        let states: Vec<Ref> = self.opacities.iter().map(|_| new()).collect();
        let images: Vec<Ref> = self.images.iter().map(|_| new()).collect();

        let mut sheet = pdf.page(page);
        sheet.media_box(Rect::new(0.0, 0.0, width, height)).parent(pages).contents(content);
        let mut resources = sheet.resources();
        for (kind, all) in [("f", &fonts), ("o", &states), ("i", &images)] {
            if all.is_empty() {
                continue;
            }
            let mut entries = match kind {
                "f" => resources.fonts(),
                "o" => resources.ext_g_states(),
                _ => resources.x_objects(),
            };
            for (k, id) in all.iter().enumerate() {
                entries.pair(Name(format!("{kind}{k}").as_bytes()), id);
            }
        }
        resources.finish();
        sheet.finish();

        let packed = pack(&self.content.finish())?;
        pdf.stream(content, &packed).filter(Filter::FlateDecode);
        for ((fill, line), id) in self.opacities.iter().zip(states) {
            pdf.ext_graphics(id).non_stroking_alpha(unit(*fill)).stroking_alpha(unit(*line));
        }
        for (image, id) in self.images.iter().zip(images) {
            picture(&mut pdf, image, id, new())?;
        }
        for (face, id) in self.faces.iter().zip(fonts) {
            embed(&mut pdf, self.tree, face, [id, new(), new(), new(), new()])?;
        }
        Ok(pdf.finish())
    }
}

/// What the names of groups that hold a surface's patches begin with.
pub const MESH: &str = "mesh";

/// Writes an image and its opacity.
fn picture(pdf: &mut Pdf, image: &Pixmap, id: Ref, mask: Ref) -> Result<()> {
    let size = |n: u32| i32::try_from(n).map_err(failed);
    let (width, height) = (size(image.width())?, size(image.height())?);
    let plain = image.pixels().iter().map(|p| p.demultiply());
    let colors: Vec<u8> = plain.clone().flat_map(|p| [p.red(), p.green(), p.blue()]).collect();
    let opacities: Vec<u8> = plain.map(|p| p.alpha()).collect();
    let colors = pack(&colors)?;
    let mut object = pdf.image_xobject(id, &colors);
    object.width(width).height(height).bits_per_component(8).s_mask(mask);
    object.filter(Filter::FlateDecode);
    object.color_space().device_rgb();
    object.finish();
    let opacities = pack(&opacities)?;
    let mut object = pdf.image_xobject(mask, &opacities);
    object.width(width).height(height).bits_per_component(8);
    object.filter(Filter::FlateDecode);
    object.color_space().device_gray();
    Ok(())
}

/// Writes the glyphs of a face that are used, their widths, and the text that they stand for.
fn embed(pdf: &mut Pdf, tree: &Tree, face: &Face, [id, cid, descriptor, map, file]: [Ref; 5]) -> Result<()> {
    let info = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
    let bold = tree.fontdb().face(face.id).is_some_and(|f| f.weight.0 > 500);
    // Six capitals mark a part of a font; the two faces differ in their names anyway.
    let name = if bold { "LSCAPE+DejaVuSans-Bold" } else { "LSCAPE+DejaVuSans" };
    let name = Name(name.as_bytes());
    pdf.type0_font(id)
        .base_font(name)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(map);
    let mut font = pdf.cid_font(cid);
    font.subtype(CidFontType::Type2).base_font(name).system_info(info).font_descriptor(descriptor);
    font.default_width(0.0).cid_to_gid_map_predefined(Name(b"Identity"));
    let mut widths = font.widths();
    for (glyph, (width, _)) in &face.used {
        widths.consecutive(*glyph, [*width]);
    }
    widths.finish();
    font.finish();

    let mut texts = UnicodeCmap::<u16>::new(Name(b"text"), info);
    for (glyph, (_, text)) in &face.used {
        texts.pair_with_multiple(*glyph, text.chars());
    }
    let texts = pack(&texts.finish())?;
    pdf.cmap(map, &texts).filter(Filter::FlateDecode);

    let subset = of_face(tree, face.id, |font| {
        let metrics = font.metrics(Size::new(1000.0), LocationRef::default());
        let bounds = metrics.bounds.unwrap_or_default();
        pdf.font_descriptor(descriptor)
            .name(name)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max))
            .italic_angle(0.0)
            .ascent(metrics.ascent)
            .descent(metrics.descent)
            .cap_height(metrics.cap_height.unwrap_or(metrics.ascent))
            .stem_v(if bold { 140.0 } else { 80.0 })
            .font_file2(file);
        subsetter::subset(font.data().as_bytes(), 0, &face.glyphs).map_err(failed)
    })?;
    let length = i32::try_from(subset.len()).map_err(failed)?;
    let packed = pack(&subset)?;
    pdf.stream(file, &packed).filter(Filter::FlateDecode).pair(Name(b"Length1"), length);
    Ok(())
}

/// What `read` takes from a face of the embedded font.
fn of_face<T>(tree: &Tree, id: ID, read: impl FnOnce(&skrifa::FontRef) -> Result<T>) -> Result<T> {
    let found = tree
        .fontdb()
        .with_face_data(id, |data, index| read(&skrifa::FontRef::from_index(data, index).map_err(failed)?));
    found.ok_or_else(|| unknown("a font that is not embedded"))?
}

/// The path's steps, as they stand in the document.
fn outline(content: &mut Content, path: &Path) {
    let mut pen = (0.0, 0.0);
    for segment in path.data().segments() {
        match segment {
            PathSegment::MoveTo(p) => {
                content.move_to(p.x, p.y);
                pen = (p.x, p.y);
            }
            PathSegment::LineTo(p) => {
                content.line_to(p.x, p.y);
                pen = (p.x, p.y);
            }
            PathSegment::QuadTo(c, p) => {
                // The cubic curve that is the same: its inner points lie two thirds of the way to the one there is.
                let third = |from: f32, to: f32| from + (to - from) * 2.0 / 3.0;
                let (a, b) = ((third(pen.0, c.x), third(pen.1, c.y)), (third(p.x, c.x), third(p.y, c.y)));
                content.cubic_to(a.0, a.1, b.0, b.1, p.x, p.y);
                pen = (p.x, p.y);
            }
            PathSegment::CubicTo(a, b, p) => {
                content.cubic_to(a.x, a.y, b.x, b.y, p.x, p.y);
                pen = (p.x, p.y);
            }
            PathSegment::Close => {
                content.close_path();
            }
        }
    }
}

/// A point (x, y) goes to (a x + c y + e, b x + d y + f).
fn matrix(t: Transform) -> [f32; 6] {
    [t.sx, t.ky, t.kx, t.sy, t.tx, t.ty]
}

fn color(paint: &Paint) -> Result<[u8; 3]> {
    match paint {
        Paint::Color(color) => Ok([color.red, color.green, color.blue]),
        _ => Err(unknown("a gradient or a pattern")),
    }
}

fn unit(channel: u8) -> f32 {
    f32::from(channel) / 255.0
}

fn cap(cap: LineCap) -> LineCapStyle {
    match cap {
        LineCap::Butt => LineCapStyle::ButtCap,
        LineCap::Round => LineCapStyle::RoundCap,
        LineCap::Square => LineCapStyle::ProjectingSquareCap,
    }
}

fn join(join: LineJoin) -> LineJoinStyle {
    match join {
        LineJoin::Miter | LineJoin::MiterClip => LineJoinStyle::MiterJoin,
        LineJoin::Round => LineJoinStyle::RoundJoin,
        LineJoin::Bevel => LineJoinStyle::BevelJoin,
    }
}

fn pack(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).map_err(failed)?;
    encoder.finish().map_err(failed)
}

fn failed(e: impl std::fmt::Display) -> Error {
    Error::machine("drawing a PDF", e)
}

fn unknown(what: &str) -> Error {
    failed(format!("expected what figures are made of, found {what}"))
}
