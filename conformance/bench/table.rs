//! Medians and ratios, as a table for people or as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::sides::{Kind, Side};

/// All measurements, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Cell>);

#[derive(Debug)]
struct Cell {
    case: &'static str,
    unit: &'static str,
    side: &'static str,
    kind: Kind,
    values: Vec<f64>,
}

impl Table {
    /// Adds one measurement.
    pub(crate) fn add(&mut self, case: &'static str, unit: &'static str, side: &Side, value: f64) {
        let found = self.0.iter_mut().find(|cell| cell.case == case && cell.side == side.name);
        match found {
            Some(cell) => cell.values.push(value),
            None => {
                self.0.push(Cell {
                    case,
                    unit,
                    side: side.name,
                    kind: side.kind,
                    values: vec![value],
                });
            }
        }
    }

    /// A table in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from(
            "| case | side | median | lowest | highest | to `wasmtime serve` |\n|---|---|--:|--:|--:|--:|\n",
        );
        for cell in &self.0 {
            let (low, median, high) = cell.spread();
            let ratio = self.ratio(cell).map_or("–".to_owned(), |ratio| format!("{ratio:.2} ×"));
            let number = |value: f64| {
                if cell.unit == "ms" { format!("{value:.1}") } else { format!("{value:.0}") }
            };
            let (case, side, unit) = (cell.case, cell.side, cell.unit);
            let _ = writeln!(
                text,
                "| {case} | {side} | {} {unit} | {} | {} | {ratio} |",
                number(median),
                number(low),
                number(high)
            );
        }
        text
    }

    /// The same as JSON, with every measurement.
    pub(crate) fn json(&self) -> Value {
        let cells = self.0.iter().map(|cell| {
            let (low, median, high) = cell.spread();
            json!({
                "case": cell.case,
                "side": cell.side,
                "unit": cell.unit,
                "median": median,
                "lowest": low,
                "highest": high,
                "to_wasmtime_serve": self.ratio(cell),
                "values": cell.values,
            })
        });
        Value::Array(cells.collect())
    }

    /// The median in relation to that of `wasmtime serve` in the same case.
    fn ratio(&self, cell: &Cell) -> Option<f64> {
        let base =
            |other: &&Cell| other.case == cell.case && matches!(other.kind, Kind::Wasmtime { .. });
        let base = self.0.iter().find(base)?;
        (base.side != cell.side).then(|| cell.spread().1 / base.spread().1)
    }
}

impl Cell {
    /// Lowest, median, highest.
    fn spread(&self) -> (f64, f64, f64) {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        };
        (sorted[0], median, sorted[sorted.len() - 1])
    }
}
