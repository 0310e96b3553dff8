//! The middle of several measurements, and how far they lie apart.

/// The median, and the middle half of the measurements around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
    /// How many there were.
    pub(crate) count: usize,
}

impl Spread {
    /// Of nothing there is none.
    pub(crate) fn of(measured: &[f64]) -> Option<Self> {
        let mut sorted = measured.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted.get((share * (sorted.len() as f64 - 1.0)).round() as usize).copied();
        Some(Self { low: at(0.25)?, median: at(0.5)?, high: at(0.75)?, count: sorted.len() })
    }
}
