//! Tables for people.

/// Prints rows under their heads, each column as wide as its widest cell.
pub(in crate::command) fn print<const N: usize>(heads: [&str; N], rows: &[[String; N]]) {
    let mut widths = heads.map(|head| head.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    line(&heads.map(str::to_owned), widths);
    for row in rows {
        line(row, widths);
    }
}

fn line<const N: usize>(cells: &[String; N], widths: [usize; N]) {
    let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{:<width$}", shown(cell)));
    println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
}

/// What others wrote must not steer the terminal.
fn shown(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
