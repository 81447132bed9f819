//! Lists: tags, catalog, referrers (LST).
