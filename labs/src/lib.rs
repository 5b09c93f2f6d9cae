//! Hosts, switches and virtual machines as network namespaces on one machine.
//!
//! The harness of the labs and of the end-to-end tests. It must not know how brint works inside:
//! it starts the binary, as a user would.
