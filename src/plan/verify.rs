//! Rules that no plan may break, checked by code that does not make plans: on a fresh plan, and again on a loaded one.
