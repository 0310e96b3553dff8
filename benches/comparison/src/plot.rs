//! Plots rows of measurements on a logarithmic axis, as SVG for light and dark mode.

use std::fmt::Write;

use crate::spread::Spread;

/// A plot.
pub(crate) struct Plot<'a> {
    pub(crate) title: &'a str,
    /// The label of the axis, with the unit.
    pub(crate) axis: &'a str,
    /// The compared series: the names of the colours below; a colour without a name is not used.
    pub(crate) series: &'a [&'a str],
    /// The labels of the rows, with a measurement for each series.
    pub(crate) rows: Vec<(String, Vec<Option<Spread>>)>,
}

const WIDTH: f64 = 880.0;
/// The ends of the axis.
const LEFT: f64 = 240.0;
const RIGHT: f64 = 800.0;
const TOP: f64 = 76.0;
const LINE: f64 = 16.0;
const GAP: f64 = 14.0;

/// Colours that colour-blind people can distinguish, on white and on black.
const STYLE: &str = "
    .paper { fill: #ffffff } text { fill: #1f2328; font: 12px sans-serif } .title { font-weight: bold; font-size: 15px }
    .grid { stroke: #d1d9e0 } .faint { fill: #59636e }
    .s0 { fill: #6e7781; stroke: #6e7781 } .s1 { fill: #0969da; stroke: #0969da }
    .s2 { fill: #bc4c00; stroke: #bc4c00 } .s3 { fill: #8250df; stroke: #8250df }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #30363d } .faint { fill: #9198a1 }
      .s0 { fill: #8b949e; stroke: #8b949e } .s1 { fill: #58a6ff; stroke: #58a6ff }
      .s2 { fill: #f0883e; stroke: #f0883e } .s3 { fill: #bc8cff; stroke: #bc8cff }
    }";

impl Plot<'_> {
    /// The SVG file.
    pub(crate) fn svg(&self) -> String {
        let marks = || self.rows.iter().flat_map(|(_, marks)| marks.iter().flatten());
        let decade = |value: f64, up: f64| 10f64.powf((value.log10() + up).floor());
        let from = decade(marks().map(|mark| mark.low).fold(f64::MAX, f64::min), 0.0);
        let to = decade(marks().map(|mark| mark.high).fold(0.0, f64::max), 1.0);
        let x = |value: f64| LEFT + (value / from).log10() / (to / from).log10() * (RIGHT - LEFT);

        let rows: f64 = self.rows.iter().map(|(_, marks)| height(marks)).sum();
        let (bottom, total) = (TOP + rows, TOP + rows + 44.0);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {total}\" width=\"{WIDTH}\" role=\"img\">\n\
             <title>{}</title>\n<style>{STYLE}\n</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n",
            self.title
        );
        text(&mut svg, 16.0, 26.0, "start", "title", self.title);
        let mut place = 16.0;
        for (series, name) in self.series.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let _ = writeln!(svg, "<circle class=\"s{series}\" cx=\"{}\" cy=\"46\" r=\"4\"/>", place + 4.0);
            text(&mut svg, place + 14.0, 50.0, "start", "", name);
            place += 34.0 + 7.0 * name.len() as f64;
        }
        let mut tick = from;
        while tick <= to * 1.01 {
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{1}\" y2=\"{bottom}\"/>",
                x(tick),
                TOP - 8.0
            );
            text(&mut svg, x(tick), bottom + 16.0, "middle", "faint", &number(tick));
            tick *= 10.0;
        }
        text(&mut svg, RIGHT, bottom + 34.0, "end", "faint", self.axis);

        let mut y = TOP;
        for (label, marks) in &self.rows {
            text(&mut svg, LEFT - 12.0, y + LINE * 0.8, "end", "", label);
            let mut line = y + LINE * 0.5;
            for (series, mark) in marks.iter().enumerate() {
                let Some(Spread { low, median, high, .. }) = *mark else { continue };
                let _ = writeln!(
                    svg,
                    "<line class=\"s{series}\" stroke-width=\"2\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{line}\" y2=\"{line}\"/>\
                     <circle class=\"s{series}\" cx=\"{:.1}\" cy=\"{line}\" r=\"4\"/>",
                    x(low),
                    x(high),
                    x(median)
                );
                text(&mut svg, x(high) + 9.0, line + 4.0, "start", "", &number(median));
                line += LINE;
            }
            y += height(marks);
        }
        svg + "</svg>\n"
    }
}

fn height(marks: &[Option<Spread>]) -> f64 {
    LINE * marks.iter().flatten().count() as f64 + GAP
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, class: &str, words: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{words}</text>"
    );
}

/// Three significant digits, without trailing zeros.
fn number(value: f64) -> String {
    let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 3);
    let text = format!("{value:.*}", digits as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
