//! `--report`: one page about a run, for people who would rather look than read.
//!
//! | File           | What is there                                                              |
//! |----------------|----------------------------------------------------------------------------|
//! | `mod`          | the page: headline, where the cycles went, tables                          |
//! | `timeline`     | the data of the timeline: what is drawn of each unit and bank, in which kind |
//! | `timeline.js`  | draws it on a canvas; zoom, pan, and what a place means                    |
//! | `roofline`     | the roofline, as SVG                                                       |
//! | `style.css`    | light and dark                                                             |
//!
//! The page is a single file that loads nothing: a policy in its head forbids it. The sums over the
//! timeline are in tables too. Its body has the attribute `data-marks` once the timeline was drawn, and `data-error` after a failure
//! of a script.

mod roofline;
mod timeline;

use std::ffi::OsString;

use isa::Flags;
use kernels::activity::{Activity, Event, Port};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use tile::TileConfig;

use crate::commands::kernel;
use crate::commands::matmul::Run;
use crate::commands::summary::{self, STALLS, grouped};
use roofline::Roofline;
use timeline::{CYCLE_KINDS, Kind};

/// What a page tells.
pub struct Report<'a> {
    pub run: &'a Run,
    pub activity: &'a Activity,
    pub simulator: &'a str,
    /// Where the operands came from.
    pub operands: &'a str,
    /// The arguments of the program.
    pub arguments: &'a [OsString],
}

impl Report<'_> {
    /// The page.
    pub fn page(&self) -> Result<String, String> {
        let shape = self.run.plan.problem.shape;
        let config = &self.config().name;
        let title = format!("matmul {} x {} x {} on {config}", shape.m, shape.n, shape.k);
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy"
                        content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " - Tessera" }
                    style { (PreEscaped(include_str!("style.css"))) }
                }
                body {
                    script { (PreEscaped("onerror = message => { document.body.dataset.error = message };")) }
                    header {
                        h1 { (title) }
                        (self.verdict())
                        code id="command" { (command_line(self.arguments)) }
                    }
                    (self.headline())
                    section id="timeline" {
                        h2 { "Timeline" }
                        (timeline_controls())
                        div class="drawing" {
                            canvas tabindex="0" role="img" aria-label="Timeline; the tables below tell the same" {}
                            output hidden {}
                        }
                        script id="activity" type="application/json" {
                            (PreEscaped(timeline::json(self.activity)))
                        }
                        script { (PreEscaped(include_str!("timeline.js"))) }
                    }
                    div class="columns" {
                        div {
                            (section("roofline", "Roofline", self.roofline()?))
                            (section("units", "Utilisation", self.units()))
                        }
                        div {
                            (section("stalls", "Stalls", self.stalls()))
                            (section("conflicts", "Bank conflicts", self.conflicts()))
                            (section("flags", "Numeric flags", self.flags()))
                        }
                    }
                    (section("run", "Run", self.facts()))
                    footer { "Tessera " (env!("CARGO_PKG_VERSION")) }
                }
            }
        };
        Ok(page.into_string())
    }

    fn config(&self) -> &TileConfig {
        &self.run.plan.config
    }

    /// Part of the cycles, as a percentage.
    fn of_cycles(&self, count: u64) -> String {
        format!("{:.2} %", 100.0 * count as f64 / self.run.report.cycles.max(1) as f64)
    }

    fn verdict(&self) -> Markup {
        let comparison = &self.run.comparison;
        html! {
            @match kernel::verdict(comparison) {
                Ok(()) => p id="verdict" class="right" { (summary::golden_line(comparison)) }
                Err(failure) => p id="verdict" class="wrong" { (failure) }
            }
        }
    }

    /// What bounded the run, and where its cycles went.
    fn headline(&self) -> Markup {
        let report = &self.run.report;
        let parts: Vec<(Kind, u64)> = CYCLE_KINDS
            .into_iter()
            .map(|kind| (kind, timeline::amp_series(self.activity, kind).map(u64::from).sum()))
            .collect();
        let mut largest = parts.clone();
        largest.sort_by_key(|(_, cycles)| std::cmp::Reverse(*cycles));
        html! {
            dl class="figures" {
                div {
                    dt { "MAC utilisation" }
                    dd id="utilisation" { (format!("{:.2} %", 100.0 * report.utilisation())) }
                    dd { "of " (report.macs_per_cycle) " MACs a cycle were useful" }
                }
                div {
                    dt { "Cycles" }
                    dd { (grouped(report.cycles)) }
                    dd { (summary::prediction(report.cycles, report.predicted_cycles)) }
                }
                @for (name, (kind, cycles)) in ["Bounded by", "Then"].into_iter().zip(&largest) {
                    div {
                        dt { (name) }
                        dd { (kind.bound()) }
                        dd { (grouped(*cycles)) " cycles, " (self.of_cycles(*cycles)) }
                    }
                }
            }
            div class="split" aria-hidden="true" {
                @for (kind, cycles) in &parts {
                    @if *cycles > 0 {
                        i class=(kind.key()) style=(format!("flex-grow:{cycles}")) {}
                    }
                }
            }
            ul class="legend" {
                @for (kind, cycles) in &parts {
                    @if *cycles > 0 {
                        li { i class=(kind.key()) {} (kind.words()) " " b { (self.of_cycles(*cycles)) } }
                    }
                }
            }
        }
    }

    fn roofline(&self) -> Result<Markup, String> {
        let roofline = Roofline::of(self.run, self.activity);
        let svg = roofline.svg()?;
        Ok(html! {
            (PreEscaped(svg))
            ul class="legend" {
                @for (class, words) in roofline.legend() { li { i class=(class) {} (words) } }
            }
        })
    }

    fn stalls(&self) -> Markup {
        let rows = STALLS.iter().map(|(_, words, register)| (words, self.run.report.counters.get(register)));
        html! {
            table {
                thead { tr { th { "Cause" } th { "Cycles" } th { "Of all" } } }
                tbody {
                    @for (words, cycles) in rows {
                        tr class=[(cycles == 0).then_some("none")] {
                            th scope="row" { (words) }
                            td { (grouped(cycles)) }
                            td { (self.of_cycles(cycles)) }
                        }
                    }
                }
            }
            p class="note" {
                "Stalls of the AMP exclude one another. A conflict costs its stream a cycle, which need not cost the AMP one."
            }
        }
    }

    /// How busy each unit was.
    fn units(&self) -> Markup {
        let activity = self.activity;
        let bytes = |port: Port| if Port::STREAMS.contains(&port) { access_bytes(self.config()) } else { 8 };
        html! {
            table {
                thead { tr { th { "Unit" } th { "Active cycles" } th { "Of all" } th { "Bytes" } } }
                tbody {
                    tr {
                        th scope="row" { "AMP: rows issued" }
                        td { (grouped(activity.total(Event::Row))) }
                        td { (self.of_cycles(activity.total(Event::Row))) }
                        td {}
                    }
                    @for port in Port::ALL {
                        @let accesses = activity.total(Event::Access(port));
                        tr class=[(accesses == 0).then_some("none")] {
                            th scope="row" { (timeline::unit(port)) }
                            td { (grouped(accesses)) }
                            td { (self.of_cycles(accesses)) }
                            td { (grouped(accesses * bytes(port))) }
                        }
                    }
                }
            }
        }
    }

    /// Conflicts by bank and stream.
    fn conflicts(&self) -> Markup {
        let activity = self.activity;
        let ports: Vec<Port> =
            Port::ALL.into_iter().filter(|&port| activity.total(Event::Conflict(port)) > 0).collect();
        if ports.is_empty() {
            return html! { p { "None: no request waited for its bank." } };
        }
        let counts = |event: &dyn Fn(Port) -> Event| -> Vec<u64> {
            ports.iter().map(|&port| activity.total(event(port))).collect()
        };
        let banks: Vec<(usize, Vec<u64>)> = (0..activity.banks())
            .map(|bank| (bank, counts(&|port| Event::BankConflict(bank, port))))
            .filter(|(_, counts)| counts.iter().any(|count| *count > 0))
            .collect();
        html! {
            table {
                thead {
                    tr { th { "Bank" } th class="text" { "Serves" } @for port in &ports { th { (port.name()) } } }
                }
                tbody {
                    @for (bank, counts) in banks {
                        tr {
                            th scope="row" { (bank) }
                            td class="text" { (timeline::users(activity, bank)) }
                            @for count in counts { td { (grouped(count)) } }
                        }
                    }
                }
                tfoot {
                    tr {
                        th scope="row" { "All" }
                        td {}
                        @for count in counts(&Event::Conflict) { td { (grouped(count)) } }
                    }
                }
            }
            p class="note" { "Cycles in which a request of the column's stream waited, because the bank served another." }
        }
    }

    fn flags(&self) -> Markup {
        let raised = summary::flag_names(self.run.report.flags);
        html! {
            table {
                tbody {
                    @for field in Flags::LAYOUT.fields {
                        @let name = field.name.to_uppercase();
                        @let is_raised = raised.contains(&name.as_str());
                        tr class=[(!is_raised).then_some("none")] {
                            th scope="row" { (name) }
                            td class="word" { (if is_raised { "raised" } else { "not raised" }) }
                            td class="text" { (field.meaning) }
                        }
                    }
                }
            }
        }
    }

    /// The summary that the command prints, without its lines that stand above.
    fn facts(&self) -> Markup {
        let above = ["cycles", "MACs", "stalls", "flags", "golden"];
        let lines = self.run.lines(self.simulator);
        html! {
            table class="facts" {
                tbody {
                    @for (name, text) in lines.iter().filter(|(name, _)| !above.contains(name)) {
                        tr { th scope="row" { (name) } td class="text" { (text) } }
                    }
                    tr { th scope="row" { "operands" } td class="text" { (self.operands) } }
                    tr { th scope="row" { "simulator" } td class="text" { (version(self.simulator)) } }
                    @for (name, value) in configuration(self.config()) {
                        tr { th scope="row" { (name) } td class="text" { (value) } }
                    }
                }
            }
        }
    }
}

/// A simulator with its version.
fn version(simulator: &str) -> String {
    match simulator {
        "verilator" => cosim::Verilator::find().and_then(|found| found.version()).unwrap_or(simulator.to_owned()),
        ours => format!("{ours}, of Tessera {}", env!("CARGO_PKG_VERSION")),
    }
}

fn section(id: &str, title: &str, content: Markup) -> Markup {
    html! {
        section id=(id) {
            h2 { (title) }
            (content)
        }
    }
}

/// Bytes that a stream moves at once.
fn access_bytes(config: &TileConfig) -> u64 {
    8 * config.amp().access_words() as u64
}

fn timeline_controls() -> Markup {
    html! {
        div class="controls" {
            ul class="legend" {
                @for kind in Kind::ALL { li { i class=(kind.key()) {} (kind.words()) } }
            }
            span {
                button type="button" data-zoom="2" aria-label="Zoom in" { "+" }
                button type="button" data-zoom="0.5" aria-label="Zoom out" { "\u{2212}" }
                button type="button" data-zoom="0" { "All" }
            }
        }
    }
}

/// The fields of a configuration file.
fn configuration(config: &TileConfig) -> Vec<(String, String)> {
    let table = toml::Table::try_from(config).expect("a configuration is a table");
    table.into_iter().map(|(key, value)| (key, value.to_string())).collect()
}

/// What to type into a shell for the same run.
fn command_line(arguments: &[OsString]) -> String {
    let words: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let words = std::iter::once("tessera").chain(words.iter().map(|word| &**word));
    shlex::try_join(words).expect("arguments without a zero byte")
}

#[cfg(test)]
mod tests {
    use golden::{ReadOut, Shape};
    use kernels::device::{Device, NativeTile};
    use kernels::random::Random;

    use super::*;
    use crate::commands::matmul::{Product, multiply};

    #[test]
    fn command_lines_are_quoted() {
        let arguments = ["matmul", "my A.npy", "it's.npy", "--report", "a&b.html"].map(OsString::from);
        assert_eq!(command_line(&arguments), r#"tessera matmul 'my A.npy' "it's.npy" --report 'a&b.html'"#);
    }

    #[test]
    fn results_that_differ_are_shown_as_wrong() {
        let config = TileConfig::small16();
        let (waveform, watched) = Activity::watch(&config);
        let mut device = NativeTile::traced(&config, vec![waveform]).unwrap();
        let random = Product::random(Shape { m: 1, n: 1, k: 1 }, &mut Random::new(0));
        let product = Product { a: vec![0x3C00], b: vec![0x3C00], ..random };
        let mut run = multiply(&mut device, &config, &product, ReadOut::default()).unwrap();
        device.finish().unwrap();
        let page = |run: &Run| {
            let activity = watched.activity().unwrap();
            let arguments = ["matmul".into(), "<A>.npy".into()];
            Report { run, activity, simulator: "native", operands: "<A>.npy", arguments: &arguments }.page().unwrap()
        };
        let right = page(&run);
        assert!(right.contains(r#"class="right">1 results and the flags compared: all bit-exact<"#), "{right}");
        assert!(right.contains("&lt;A&gt;.npy") && !right.contains("<A>"), "{right}");
        run.comparison.flags.1.of = true;
        let wrong = page(&run);
        assert!(wrong.contains(r#"class="wrong">the flags differ: "#), "{wrong}");
    }
}
