//! The plot of utilisation against rows, as SVG.

use plotters::prelude::*;
use tile::TileConfig;

/// Rows and utilisation (0 to 1), with the bound that weights set: a block of few rows takes as long as its weights.
pub fn utilisation(points: &[(usize, f64)], config: &TileConfig) -> Result<String, String> {
    let amp = config.amp();
    let block_load = block_words(config) as f64;
    let bound = |rows: usize| {
        let useful = (amp.phases() * rows) as f64;
        let taken = (amp.phases() * rows.max(amp.loop_cycles())) as f64;
        100.0 * useful / taken.max(block_load)
    };
    let most = points.iter().map(|&(rows, _)| rows).max().unwrap_or(1);

    let mut svg = String::new();
    let draw = |svg: &mut String| -> Result<(), DrawingAreaErrorKind<_>> {
        let area = SVGBackend::with_string(svg, (720, 400)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(format!("MAC utilisation of {} against rows", config.name), ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(48)
            .build_cartesian_2d(0f64..most as f64, 0f64..100f64)?;
        chart
            .configure_mesh()
            .x_desc("rows of A (M)")
            .y_desc("useful MACs, % of peak")
            .x_labels(14)
            .x_label_formatter(&|rows| format!("{rows:.0}"))
            .y_labels(11)
            .max_light_lines(0)
            .y_label_formatter(&|percent| format!("{percent:.0}"))
            .draw()?;
        chart
            .draw_series(LineSeries::new((1..=most).map(|rows| (rows as f64, bound(rows))), BLACK.mix(0.4)))?
            .label("bound: loading weights")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], BLACK.mix(0.4)));
        let measured = points.iter().map(|&(rows, utilisation)| (rows as f64, 100.0 * utilisation));
        chart
            .draw_series(LineSeries::new(measured, BLUE.stroke_width(2)))?
            .label("measured")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], BLUE.stroke_width(2)));
        let place = SeriesLabelPosition::LowerRight;
        chart.configure_series_labels().position(place).border_style(BLACK).background_style(WHITE).draw()?;
        area.present()
    };
    draw(&mut svg).map_err(|error| format!("plot: {error}"))?;
    Ok(svg)
}

/// Access words of a weight block.
fn block_words(config: &TileConfig) -> usize {
    let block = (isa::BLOCK * isa::BLOCK) as usize;
    block / config.amp().access_values()
}
