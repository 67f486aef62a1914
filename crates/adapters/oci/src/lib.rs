//! Images from registries, archives, layouts and daemons as a stream of layers.
