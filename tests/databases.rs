//! Databases of other kinds with the real thing: saved while somebody writes, restored and opened.

mod sqlite;
