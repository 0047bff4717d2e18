//! The roofline: what the AMP and its streams allow, and what the run made of it.

use kernels::activity::{Activity, Event, Port};
use plotters::coord::combinators::IntoLogRange;
use plotters::prelude::*;

use super::access_bytes;
use crate::commands::matmul::Run;

/// Colours that the style sheet knows: it replaces the first two, for light and dark.
const INK: RGBColor = BLACK;
const GRID: RGBColor = RGBColor(0xC8, 0xC8, 0xC8);
const STREAMS: RGBColor = RGBColor(0x8A, 0x92, 0x9B);
const PEAK: RGBColor = RGBColor(0x00, 0x72, 0xB2);
const MIX: RGBColor = RGBColor(0x00, 0x9E, 0x73);
const POINT: RGBColor = RGBColor(0xD5, 0x5E, 0x00);

/// The run in the plane of the roofline, and its roofs.
pub struct Roofline {
    /// Useful MACs for each byte that moved between SRAM and AMP.
    intensity: f64,
    /// Useful MACs a cycle.
    rate: f64,
    peak: f64,
    /// Bytes a cycle with all streams busy.
    all_streams: f64,
    /// Bytes a cycle if the streams share the work as in this run, and the busiest of them never pauses.
    this_mix: f64,
    busiest: Port,
}

impl Roofline {
    pub fn of(run: &Run, activity: &Activity) -> Roofline {
        let accesses = |port: Port| activity.total(Event::Access(port));
        let access_bytes = access_bytes(&run.plan.config) as f64;
        let all: u64 = Port::STREAMS.into_iter().map(accesses).sum();
        let busiest = Port::STREAMS.into_iter().max_by_key(|&port| accesses(port)).expect("streams");
        let report = &run.report;
        Roofline {
            intensity: report.macs as f64 / (all.max(1) as f64 * access_bytes),
            rate: report.macs as f64 / report.cycles.max(1) as f64,
            peak: report.macs_per_cycle as f64,
            all_streams: access_bytes * Port::STREAMS.len() as f64,
            this_mix: access_bytes * all.max(1) as f64 / accesses(busiest).max(1) as f64,
            busiest,
        }
    }

    /// Class and meaning of what is drawn.
    pub fn legend(&self) -> [(&'static str, String); 4] {
        let Roofline { intensity, rate, peak, all_streams, this_mix, busiest } = self;
        let busiest = busiest.name();
        [
            ("this-run", format!("this run: {rate:.2} MACs a cycle, {intensity:.2} for each byte")),
            ("peak", format!("AMP: {peak:.0} MACs a cycle")),
            ("mix", format!("{busiest} never pausing, others as in this run: {this_mix:.1} bytes a cycle")),
            ("streams", format!("all streams never pausing: {all_streams:.0} bytes a cycle")),
        ]
    }

    /// The plot.
    pub fn svg(&self) -> Result<String, String> {
        let mut svg = String::new();
        self.draw(&mut svg).map_err(|error| format!("roofline: {error}"))?;
        Ok(svg)
    }

    fn draw<'s>(&self, svg: &'s mut String) -> Result<(), PlotError<'s>> {
        let ridge = self.peak / self.all_streams;
        let power = |number: f64, steps: f64| 2f64.powf(number.log2().floor() + steps);
        let (from, to) = (power(ridge.min(self.intensity), -1.0), power(ridge.max(self.intensity), 2.0));
        let (low, high) = (power(self.rate.min(self.this_mix * from), 0.0), power(self.peak, 1.0));

        let area = SVGBackend::with_string(svg, (600, 360)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(42)
            .y_label_area_size(48)
            .build_cartesian_2d((from..to).log_scale().base(2.0), (low..high).log_scale().base(2.0))?;
        let label =
            |number: &f64| if *number < 1.0 { format!("1/{:.0}", 1.0 / number) } else { format!("{number:.0}") };
        chart
            .configure_mesh()
            .axis_style(INK)
            .bold_line_style(GRID)
            .max_light_lines(0)
            .label_style(("sans-serif", 13))
            .axis_desc_style(("sans-serif", 14))
            .x_desc("useful MACs for each byte between SRAM and AMP")
            .y_desc("useful MACs a cycle")
            .x_label_formatter(&label)
            .y_label_formatter(&label)
            .draw()?;

        // A stream's roof ends where the AMP's begins.
        let slope = |bytes: f64| {
            let end = (self.peak / bytes).clamp(from, to);
            [(from, bytes * from), (end, bytes * end)]
        };
        chart.draw_series(LineSeries::new(slope(self.all_streams), STREAMS.stroke_width(2)))?;
        chart.draw_series(LineSeries::new(slope(self.this_mix), MIX.stroke_width(3)))?;
        chart.draw_series(LineSeries::new([(from, self.peak), (to, self.peak)], PEAK.stroke_width(3)))?;
        chart.draw_series([Circle::new((self.intensity, self.rate), 7, POINT.filled())])?;
        area.present()
    }
}

type PlotError<'s> = DrawingAreaErrorKind<<SVGBackend<'s> as DrawingBackend>::ErrorType>;
