//! Tables: what they counted, and what they can do (sections 7.3.5.4 and 7.3.5.5).

use bytes::Bytes;

use super::entry;
use crate::declare::{codes, wire_struct};
use crate::field::Header;
use crate::wire::{DecodeError, Problem, Reader, Text, Wire, Writer};

wire_struct! {
    /// What a table counted.
    pub struct TableStats {
        /// The table.
        table: u8, pad 3;
        /// How many flows it has.
        active_count: u32;
        /// How many packets were looked up in it.
        lookup_count: u64;
        /// How many of these packets a flow matched.
        matched_count: u64;
    }
}

/// What a table can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFeatures {
    /// The table.
    pub table: u8,
    /// What it is called.
    pub name: Text<32>,
    /// The bits of the metadata that its flows can match.
    pub metadata_match: u64,
    /// The bits of the metadata that its flows can write.
    pub metadata_write: u64,
    /// Nothing in OpenFlow 1.3.
    pub config: u32,
    /// How many flows it can have.
    pub max_entries: u32,
    /// What its flows can do.
    pub properties: Vec<TableProperty>,
}

/// One thing that the flows of a table can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableProperty {
    /// What this is about.
    pub kind: TablePropertyKind,
    /// What is possible.
    pub value: TablePropertyValue,
}

codes! {
    /// What a property of a table is about (`OFPTFPT_*`); `MISS` is for the flow that matches
    /// everything.
    pub struct TablePropertyKind(u16) {
        /// Instructions.
        INSTRUCTIONS = 0, "instructions";
        /// Instructions.
        INSTRUCTIONS_MISS = 1, "instructions_miss";
        /// Tables to go to.
        NEXT_TABLES = 2, "next_tables";
        /// Tables to go to.
        NEXT_TABLES_MISS = 3, "next_tables_miss";
        /// Actions to write to the action set.
        WRITE_ACTIONS = 4, "write_actions";
        /// Actions to write to the action set.
        WRITE_ACTIONS_MISS = 5, "write_actions_miss";
        /// Actions to run at once.
        APPLY_ACTIONS = 6, "apply_actions";
        /// Actions to run at once.
        APPLY_ACTIONS_MISS = 7, "apply_actions_miss";
        /// Fields to match.
        MATCH = 8, "match";
        /// Fields that need not be matched.
        WILDCARDS = 10, "wildcards";
        /// Fields to set through the action set.
        WRITE_SETFIELD = 12, "write_setfield";
        /// Fields to set through the action set.
        WRITE_SETFIELD_MISS = 13, "write_setfield_miss";
        /// Fields to set at once.
        APPLY_SETFIELD = 14, "apply_setfield";
        /// Fields to set at once.
        APPLY_SETFIELD_MISS = 15, "apply_setfield_miss";
    }
}

/// What is possible.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TablePropertyValue {
    /// These instructions or actions.
    Codes(Vec<FeatureCode>),
    /// These tables.
    Tables(Vec<u8>),
    /// These fields.
    Fields(Vec<Header>),
    /// What an experimenter says.
    Other(Bytes),
}

/// The code of an instruction or an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureCode {
    /// The code; `0xffff` if an experimenter's number follows.
    pub code: u16,
    /// What follows.
    pub data: Bytes,
}

impl Wire for TableFeatures {
    fn encode(&self, out: &mut Writer) {
        out.sized(0, 1, |out| {
            out.zeros(2);
            self.table.encode(out);
            out.zeros(5);
            self.name.encode(out);
            self.metadata_match.encode(out);
            self.metadata_write.encode(out);
            self.config.encode(out);
            self.max_entries.encode(out);
            self.properties.encode(out);
        });
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut body = entry(input, "TableFeatures")?;
        Self::decode_body(&mut body).map_err(|e| e.reading("TableFeatures"))
    }
}

impl TableFeatures {
    fn decode_body(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let table = u8::decode(body)?;
        body.skip(5)?;
        Ok(Self {
            table,
            name: Text::decode(body)?,
            metadata_match: u64::decode(body)?,
            metadata_write: u64::decode(body)?,
            config: u32::decode(body)?,
            max_entries: u32::decode(body)?,
            properties: Vec::decode(body)?,
        })
    }
}

impl Wire for TableProperty {
    fn encode(&self, out: &mut Writer) {
        out.sized_then_padded(2, 8, |out| {
            self.kind.encode(out);
            0_u16.encode(out);
            match &self.value {
                TablePropertyValue::Codes(codes) => codes.encode(out),
                TablePropertyValue::Tables(tables) => tables.encode(out),
                TablePropertyValue::Fields(fields) => {
                    fields.iter().for_each(|field| field.encode(out));
                }
                TablePropertyValue::Other(bytes) => bytes.encode(out),
            }
        });
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let what = "TableProperty";
        let at = input.error(what, Problem::TooDeep);
        let kind = u16::decode(input).map_err(|e| e.reading(what))?;
        let length = usize::from(u16::decode(input).map_err(|e| e.reading(what))?);
        let problem = Problem::BadLength { length };
        let wrong = DecodeError { problem, ..at };
        let mut value = input.sub(length.checked_sub(4).ok_or(wrong)?, what)?;
        input.skip(length.next_multiple_of(8) - length)?;
        let value = &mut value;
        Ok(Self {
            kind: TablePropertyKind(kind),
            value: match kind {
                0 | 1 | 4..=7 => TablePropertyValue::Codes(Vec::decode(value)?),
                2 | 3 => TablePropertyValue::Tables(Vec::decode(value)?),
                8..=15 => TablePropertyValue::Fields(fields(value)?),
                _ => TablePropertyValue::Other(value.remainder()),
            },
        })
    }
}

fn fields(value: &mut Reader<'_>) -> Result<Vec<Header>, DecodeError> {
    let mut fields = Vec::new();
    while !value.is_empty() {
        fields.push(Header::decode(value).map_err(|e| e.reading("TableProperty.fields"))?);
    }
    Ok(fields)
}

impl Wire for FeatureCode {
    fn encode(&self, out: &mut Writer) {
        out.sized(2, 1, |out| {
            self.code.encode(out);
            0_u16.encode(out);
            self.data.encode(out);
        });
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let what = "TableProperty.codes";
        let at = input.error(what, Problem::TooDeep);
        let code = u16::decode(input).map_err(|e| e.reading(what))?;
        let length = usize::from(u16::decode(input).map_err(|e| e.reading(what))?);
        let problem = Problem::BadLength { length };
        let wrong = DecodeError { problem, ..at };
        let data = input.bytes(length.checked_sub(4).ok_or(wrong)?, what)?;
        Ok(Self { code, data })
    }
}
