//! The program as users and scripts meet it: every test runs the binary in an empty directory of its own.

mod bench;
mod config;
mod connect;
mod critical;
mod data;
mod ensemble;
mod faults;
mod grids;
mod help;
mod instability;
mod lr_range;
mod minima;
mod networks;
mod outside;
mod paths;
mod plot;
mod probe;
mod requests;
mod resume;
mod seeds;
mod sharpness;
mod simplex;
mod slice;
mod train;
mod views;
mod weights;
