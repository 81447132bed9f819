//! Real clients, real registries and seeded images for tests.
