//! Declared tables: one row per column that an application uses, with its Rust type.

use std::fmt;
use std::marker::PhantomData;

use crate::replica::Database;
use crate::schema::DeclaredColumn;
use crate::table::Row;

mod write;

pub use write::{Condition, Mutation, Number, Rows, Values};

/// A row of a declared table.
pub trait Declared: Row<Layout = ()> {
    /// The database that the table is part of.
    type Database: Database;

    /// The table's name in the database.
    const TABLE: &'static str;

    /// The columns.
    const COLUMNS: &'static [DeclaredColumn];
}

/// A column of rows `R` that holds a `V`.
pub struct Column<R, V> {
    name: &'static str,
    of: PhantomData<fn() -> (R, V)>,
}

impl<R, V> Column<R, V> {
    /// A column by its name in the database. [`tables!`](crate::tables!) makes one per row.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            of: PhantomData,
        }
    }

    /// The column's name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<R, V> Clone for Column<R, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, V> Copy for Column<R, V> {}

impl<R, V> fmt::Debug for Column<R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Column({})", self.name)
    }
}

/// Declares the tables and columns that an application uses.
///
/// ```
/// use std::collections::{BTreeMap, BTreeSet};
/// use ovsdb::Uuid;
///
/// ovsdb::tables! {
///     /// What is used of the switch's configuration.
///     pub database OpenVSwitch = "Open_vSwitch", changes OpenVSwitchChanges;
///
///     /// A virtual switch.
///     table bridges: Bridge = "Bridge" {
///         /// Its name, unique on the host.
///         name: String;
///         /// Its ports.
///         ports: BTreeSet<Uuid>;
///         /// The keys are the numbers of OpenFlow tables.
///         flow_tables: BTreeMap<i64, Uuid>;
///     }
///
///     /// What a port attaches to.
///     table interfaces: Interface = "Interface" {
///         /// The name of the network device.
///         name: String;
///         /// What implements it.
///         kind = "type": String;
///         /// Its OpenFlow port number, once it has one.
///         ofport: Option<i64>;
///         /// Marks for others to read.
///         external_ids: BTreeMap<String, String>;
///     } index {
///         /// By the name of the device.
///         by_name: String = |row| [row.name.clone()];
///         /// By what is plugged into it.
///         by_iface_id: String = |row| row.external_ids.get("iface-id").cloned();
///     }
/// }
///
/// let tables = OpenVSwitch::default();
/// assert!(tables.interfaces.index().by_iface_id.get("vm1").is_none());
/// assert_eq!(Interface::kind.name(), "type");
/// ```
///
/// A database becomes a struct with one [`Table`](crate::table::Table) per table, which
/// implements [`Database`], and a struct of the same shape that holds the changes of one step. A
/// table becomes a struct with the field `uuid` and one field per column, and one constant
/// [`Column`] of the same name per column, which transactions and conditions use. The type of a
/// column is any [`Value`](crate::value::Value). An index is a
/// [`Table::index`](crate::table::Table::index) by whatever keys its expression yields.
///
/// A name in quotes is the database's where it differs from Rust's.
#[macro_export]
macro_rules! tables {
    (
        $(#[$meta:meta])*
        $vis:vis database $database:ident = $database_name:literal, changes $changes:ident;
        $(
            $(#[$table_meta:meta])*
            table $table:ident: $row:ident = $table_name:literal {
                $(
                    $(#[$column_meta:meta])*
                    $column:ident $(= $column_name:literal)?: $type:ty;
                )*
            } $(index {
                $(
                    $(#[$index_meta:meta])*
                    $index:ident: $key:ty = |$arg:ident| $keys:expr;
                )*
            })?
        )*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        $vis struct $database {
            $($(#[$table_meta])* pub $table: $crate::table::Table<$row>,)*
        }

        $(#[$meta])*
        ///
        /// This is what one step changed in it.
        #[derive(Clone, Debug, Default, PartialEq)]
        $vis struct $changes {
            $($(#[$table_meta])* pub $table: $crate::table::TableChanges<$row>,)*
        }

        impl $crate::replica::Database for $database {
            type Changes = $changes;

            fn name(&self) -> &str {
                $database_name
            }

            fn prepare(
                &mut self,
                schema: &$crate::schema::DatabaseSchema,
            ) -> ::std::result::Result<(), $crate::schema::SchemaMismatch> {
                schema.check(&[$(
                    (
                        <$row as $crate::tables::Declared>::TABLE,
                        <$row as $crate::tables::Declared>::COLUMNS,
                    ),
                )*])
            }

            fn monitored(&self) -> ::std::vec::Vec<$crate::replica::MonitoredTable> {
                ::std::vec![$($crate::replica::MonitoredTable::declared::<$row>(),)*]
            }

            fn emptied(&self) -> Self {
                <Self as ::std::default::Default>::default()
            }

            fn is_empty(&self) -> bool {
                true $(&& self.$table.is_empty())*
            }

            fn read_table<'de, A: $crate::macros::MapAccess<'de>>(
                &mut self,
                table: &str,
                map: &mut A,
                changes: &mut $changes,
            ) -> ::std::result::Result<bool, A::Error> {
                match table {
                    $($table_name => map.next_value_seed($crate::table::RowsSeed {
                        table: &mut self.$table,
                        changes: &mut changes.$table,
                    })?,)*
                    _ => return ::std::result::Result::Ok(false),
                }
                ::std::result::Result::Ok(true)
            }

            fn compare(&self, newer: &Self) -> $changes {
                $changes {
                    $($table: self.$table.compare(&newer.$table),)*
                }
            }
        }

        impl $crate::replica::Changes for $changes {
            fn is_empty(&self) -> bool {
                true $(&& self.$table.is_empty())*
            }

            fn merge(&mut self, later: Self) {
                $(self.$table.merge(later.$table);)*
            }
        }

        $(
            $(#[$table_meta])*
            #[derive(Clone, Debug, PartialEq)]
            $vis struct $row {
                /// The row's identity.
                pub uuid: $crate::Uuid,
                $($(#[$column_meta])* pub $column: $type,)*
            }

            #[allow(
                non_upper_case_globals,
                dead_code,
                reason = "columns are named as the database names them, and not each is written"
            )]
            impl $row {
                /// The row's identity.
                $vis const uuid: $crate::Column<Self, $crate::Uuid> =
                    $crate::Column::new("_uuid");

                $(
                    $(#[$column_meta])*
                    $vis const $column: $crate::Column<Self, $type> =
                        $crate::Column::new($crate::tables!(@name $column $($column_name)?));
                )*

                /// Columns of a row to be written, none yet.
                $vis fn values() -> $crate::Values<Self> {
                    $crate::Values::new()
                }
            }

            impl $crate::tables::Declared for $row {
                type Database = $database;

                const TABLE: &'static str = $table_name;

                const COLUMNS: &'static [$crate::schema::DeclaredColumn] = &[$(
                    $crate::schema::DeclaredColumn {
                        name: Self::$column.name(),
                        shape: <$type as $crate::value::Value>::SHAPE,
                    },
                )*];
            }

            const _: () = {
                /// The table's secondary indexes.
                #[derive(Clone, Debug, Default)]
                $vis struct Indexes {
                    $($($(#[$index_meta])* pub $index: $crate::table::Index<$key, $row>,)*)?
                }

                impl $crate::table::Indexes<$row> for Indexes {
                    fn insert(&mut self, _row: &::std::sync::Arc<$row>) {
                        $($({
                            let $arg: &$row = _row;
                            self.$index.insert($keys, _row);
                        })*)?
                    }

                    fn remove(&mut self, _row: &::std::sync::Arc<$row>) {
                        $($({
                            let $arg: &$row = _row;
                            self.$index.remove($keys, _row);
                        })*)?
                    }
                }

                impl $crate::table::Row for $row {
                    type Layout = ();
                    type Indexes = Indexes;

                    fn blank(_layout: &(), uuid: $crate::Uuid) -> Self {
                        Self {
                            uuid,
                            $($column: <$type as $crate::value::Value>::blank(),)*
                        }
                    }

                    fn uuid(&self) -> $crate::Uuid {
                        self.uuid
                    }

                    fn read_column<'de, D: $crate::macros::Deserializer<'de>>(
                        &mut self,
                        _layout: &(),
                        column: &str,
                        form: $crate::table::Form,
                        value: D,
                    ) -> ::std::result::Result<(), D::Error> {
                        match column {
                            $($crate::tables!(@name $column $($column_name)?) => {
                                $crate::macros::read(&mut self.$column, form, value)
                            })*
                            _ => $crate::macros::unknown_column(column),
                        }
                    }
                }
            };
        )*
    };
    (@name $column:ident) => { ::std::stringify!($column) };
    (@name $column:ident $name:literal) => { $name };
}
