//! The median of measurements, and their spread.

/// The median and the quartiles of measurements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
    /// The number of measurements.
    pub(crate) count: usize,
}

impl Spread {
    /// `None` without measurements.
    pub(crate) fn of(measured: &[f64]) -> Option<Self> {
        let mut sorted = measured.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1) as f64;
        let at = |place: f64| sorted.get(place as usize).copied();
        Some(Self {
            low: at((last * 0.25).floor())?,
            median: at((last * 0.5).round())?,
            high: at((last * 0.75).ceil())?,
            count: sorted.len(),
        })
    }
}
