//! What the versions of OpenFlow call an error.

use std::io::Write as _;
use std::ops::RangeInclusive;
use std::process::ExitCode;

use openflow::message::ErrorCode;

use crate::Failure;

/// Minor versions of OpenFlow, up to 1.5.
type Versions = RangeInclusive<u8>;

/// Versions, and the vendor, the type and the code that an error has in them.
type Numbers = (Versions, u32, u16, u16);

const NICIRA: u32 = 0x2320;
const ONF: u32 = 0x4f4e_4600;

const ALL: Versions = 0..=5;
#[expect(
    clippy::reversed_empty_ranges,
    reason = "OpenFlow 1.3 has no such error"
)]
const NONE: Versions = 1..=0;

/// Prints the numbers of an error in each version that has it.
pub(crate) fn print(name: &str) -> Result<ExitCode, Failure> {
    let code = ErrorCode::NAMED
        .iter()
        .find(|code| code.name() == Some(name));
    let row = OTHERWISE.iter().find(|(other, ..)| *other == name);
    if code.is_none() && row.is_none() {
        return Err(format!("unknown error \"{name}\"").into());
    }
    let (alike, others) = row.map_or((ALL, &[][..]), |(_, alike, others)| {
        (alike.clone(), *others)
    });
    let mut out = std::io::stdout().lock();
    for version in ALL {
        let other = others
            .iter()
            .find(|(versions, ..)| versions.contains(&version));
        let numbers = match (other, code) {
            (Some((_, vendor, kind, code)), _) => Some((*vendor, *kind, *code)),
            (None, Some(code)) if alike.contains(&version) => Some(numbers(*code)),
            _ => None,
        };
        if let Some((vendor, kind, code)) = numbers {
            let vendor = match vendor {
                0 => "0".to_owned(),
                vendor => format!("{vendor:#x}"),
            };
            writeln!(
                out,
                "OpenFlow 1.{version}: vendor {vendor}, type {kind}, code {code}"
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The vendor, the type and the code of an error of OpenFlow 1.3.
const fn numbers(code: ErrorCode) -> (u32, u16, u16) {
    match code {
        ErrorCode::Standard(kind, code) => (0, kind, code),
        ErrorCode::Nicira(kind) => (NICIRA, kind, 0),
        ErrorCode::Onf(kind) => (ONF, kind, 0),
        ErrorCode::Foreign(vendor, kind) => (vendor, kind, 0),
    }
}

/// The errors that are not the same in all versions: where they are as in OpenFlow 1.3, and what
/// they are elsewhere; from `ovs-ofctl print-error`.
const OTHERWISE: &[(&str, Versions, &[Numbers])] = &[
    ("NXBAC_BAD_CONJUNCTION", 2..=5, &[(0..=1, NICIRA, 2, 526)]),
    ("NXBAC_BAD_ED_PROP", 3..=5, &[]),
    ("NXBAC_BAD_HEADER_TYPE", 3..=5, &[]),
    (
        "NXBAC_CT_DATAPATH_SUPPORT",
        2..=5,
        &[(0..=1, NICIRA, 1, 265)],
    ),
    ("NXBAC_MUST_BE_ZERO", 2..=5, &[(0..=1, NICIRA, 2, 256)]),
    ("NXBAC_UNKNOWN_ED_PROP", 3..=5, &[]),
    (
        "NXBMC_CT_DATAPATH_SUPPORT",
        2..=5,
        &[(0..=1, NICIRA, 1, 264)],
    ),
    ("NXBRC_BAD_REASON", 2..=5, &[(0..=1, NICIRA, 1, 516)]),
    ("NXBRC_FM_BAD_EVENT", 2..=5, &[(0..=1, NICIRA, 1, 520)]),
    ("NXBRC_MUST_BE_ZERO", 2..=5, &[(0..=1, NICIRA, 1, 515)]),
    ("NXBRC_NXM_BAD_TYPE", 2..=5, &[(0..=1, NICIRA, 1, 257)]),
    ("NXBRC_NXM_INVALID", 2..=5, &[(0..=1, NICIRA, 1, 256)]),
    ("NXBRC_UNENCODABLE_ERROR", 2..=5, &[(0..=1, NICIRA, 1, 521)]),
    ("NXFMFC_BAD_TABLE_ID", 2..=5, &[(0..=1, NICIRA, 5, 257)]),
    ("NXFMFC_HARDWARE", 2..=5, &[(0..=1, NICIRA, 5, 256)]),
    (
        "NXFMFC_INVALID_TLV_FIELD",
        2..=5,
        &[(0..=1, NICIRA, 1, 536)],
    ),
    ("NXQOFC_QUEUE_ERROR", NONE, &[(4..=5, NICIRA, 23, 0)]),
    ("NXR_NOT_SUPPORTED", 2..=5, &[(0..=1, NICIRA, 1, 533)]),
    ("NXR_STALE", 2..=5, &[(0..=1, NICIRA, 1, 534)]),
    ("NXST_NOT_CONFIGURED", 2..=5, &[(0..=1, NICIRA, 1, 535)]),
    ("NXTFFC_DUP_TABLE", 3..=5, &[]),
    ("NXTTMFC_ALREADY_MAPPED", 2..=5, &[(0..=1, NICIRA, 1, 531)]),
    ("NXTTMFC_BAD_COMMAND", 2..=5, &[(0..=1, NICIRA, 1, 527)]),
    ("NXTTMFC_BAD_FIELD_IDX", 2..=5, &[(0..=1, NICIRA, 1, 529)]),
    ("NXTTMFC_BAD_OPT_LEN", 2..=5, &[(0..=1, NICIRA, 1, 528)]),
    ("NXTTMFC_DUP_ENTRY", 2..=5, &[(0..=1, NICIRA, 1, 532)]),
    ("NXTTMFC_INVALID_TLV_DEL", 2..=5, &[(0..=1, NICIRA, 1, 537)]),
    ("NXTTMFC_TABLE_FULL", 2..=5, &[(0..=1, NICIRA, 1, 530)]),
    ("OFPACFC_EPERM", 3..=3, &[(4..=5, 0, 15, 2)]),
    ("OFPACFC_INVALID", 3..=3, &[(4..=5, 0, 15, 0)]),
    ("OFPACFC_UNSUPPORTED", 3..=3, &[(4..=5, 0, 15, 1)]),
    ("OFPBAC_BAD_METER", NONE, &[(5..=5, 0, 2, 17)]),
    ("OFPBAC_BAD_OUT_GROUP", 1..=5, &[(0..=0, NICIRA, 2, 9)]),
    ("OFPBAC_BAD_SET_ARGUMENT", 2..=5, &[(0..=1, NICIRA, 1, 525)]),
    ("OFPBAC_BAD_SET_LEN", 2..=5, &[(0..=1, NICIRA, 1, 524)]),
    ("OFPBAC_BAD_SET_MASK", 3..=4, &[(5..=5, 0, 2, 16)]),
    ("OFPBAC_BAD_SET_TYPE", 2..=5, &[(0..=1, NICIRA, 1, 523)]),
    ("OFPBAC_BAD_TAG", 1..=5, &[]),
    (
        "OFPBAC_MATCH_INCONSISTENT",
        1..=5,
        &[(0..=0, NICIRA, 1, 522)],
    ),
    ("OFPBAC_UNSUPPORTED_ORDER", 1..=5, &[]),
    ("OFPBFC_BAD_FLAGS", 3..=3, &[(4..=5, 0, 17, 7)]),
    ("OFPBFC_BAD_ID", 3..=3, &[(4..=5, 0, 17, 2)]),
    ("OFPBFC_BAD_TYPE", 3..=3, &[(4..=5, 0, 17, 6)]),
    ("OFPBFC_BAD_VERSION", NONE, &[(4..=5, NICIRA, 22, 0)]),
    ("OFPBFC_BUNDLE_CLOSED", 3..=3, &[(4..=5, 0, 17, 4)]),
    ("OFPBFC_BUNDLE_EXIST", 3..=3, &[(4..=5, 0, 17, 3)]),
    ("OFPBFC_BUNDLE_IN_PROGRESS", 3..=3, &[(4..=5, 0, 17, 15)]),
    ("OFPBFC_EPERM", 3..=3, &[(4..=5, 0, 17, 1)]),
    ("OFPBFC_MSG_BAD_LEN", 3..=3, &[(4..=5, 0, 17, 8)]),
    ("OFPBFC_MSG_BAD_XID", 3..=3, &[(4..=5, 0, 17, 9)]),
    ("OFPBFC_MSG_CONFLICT", 3..=3, &[(4..=5, 0, 17, 11)]),
    ("OFPBFC_MSG_FAILED", 3..=3, &[(4..=5, 0, 17, 13)]),
    ("OFPBFC_MSG_TOO_MANY", 3..=3, &[(4..=5, 0, 17, 12)]),
    ("OFPBFC_MSG_UNSUP", 3..=3, &[(4..=5, 0, 17, 10)]),
    ("OFPBFC_OUT_OF_BUNDLES", 3..=3, &[(4..=5, 0, 17, 5)]),
    ("OFPBFC_SCHED_FUTURE", NONE, &[(5..=5, 0, 17, 17)]),
    ("OFPBFC_SCHED_NOT_SUPPORTED", NONE, &[(5..=5, 0, 17, 16)]),
    ("OFPBFC_SCHED_PAST", NONE, &[(5..=5, 0, 17, 18)]),
    ("OFPBFC_TIMEOUT", 3..=3, &[(4..=5, 0, 17, 14)]),
    ("OFPBFC_UNKNOWN", 3..=3, &[(4..=5, 0, 17, 0)]),
    ("OFPBIC_BAD_EXPERIMENTER", 1..=5, &[]),
    ("OFPBIC_BAD_EXP_TYPE", 2..=5, &[(1..=1, 0, 3, 5)]),
    ("OFPBIC_BAD_LEN", 2..=5, &[]),
    ("OFPBIC_BAD_TABLE_ID", 1..=5, &[]),
    (
        "OFPBIC_DUP_INST",
        2..=3,
        &[(1..=1, NICIRA, 3, 256), (4..=5, 0, 3, 9)],
    ),
    ("OFPBIC_EPERM", 2..=5, &[]),
    ("OFPBIC_UNKNOWN_INST", 1..=5, &[]),
    ("OFPBIC_UNSUP_INST", 1..=5, &[(0..=0, NICIRA, 2, 257)]),
    ("OFPBIC_UNSUP_METADATA", 1..=5, &[]),
    ("OFPBIC_UNSUP_METADATA_MASK", 1..=5, &[]),
    ("OFPBMC_BAD_DL_ADDR_MASK", 1..=5, &[]),
    ("OFPBMC_BAD_FIELD", 1..=5, &[(0..=0, NICIRA, 0, 263)]),
    ("OFPBMC_BAD_LEN", 1..=5, &[]),
    ("OFPBMC_BAD_MASK", 2..=5, &[(0..=1, NICIRA, 1, 259)]),
    ("OFPBMC_BAD_NW_ADDR_MASK", 1..=5, &[]),
    ("OFPBMC_BAD_PREREQ", 2..=5, &[(0..=1, NICIRA, 1, 260)]),
    ("OFPBMC_BAD_TAG", 1..=5, &[]),
    ("OFPBMC_BAD_TYPE", 1..=5, &[]),
    ("OFPBMC_BAD_VALUE", 1..=5, &[(0..=0, NICIRA, 1, 258)]),
    ("OFPBMC_BAD_WILDCARDS", 1..=5, &[(0..=0, NICIRA, 1, 262)]),
    ("OFPBMC_DUP_FIELD", 2..=5, &[(0..=1, NICIRA, 1, 261)]),
    ("OFPBMC_EPERM", 2..=5, &[]),
    (
        "OFPBPC_BAD_EXPERIMENTER",
        3..=3,
        &[
            (0..=1, NICIRA, 14, 5),
            (2..=2, NICIRA, 30, 0),
            (4..=5, 0, 14, 5),
        ],
    ),
    (
        "OFPBPC_BAD_EXP_TYPE",
        3..=3,
        &[
            (0..=1, NICIRA, 14, 6),
            (2..=2, NICIRA, 31, 0),
            (4..=5, 0, 14, 6),
        ],
    ),
    (
        "OFPBPC_BAD_EXP_VALUE",
        3..=3,
        &[
            (0..=1, NICIRA, 14, 7),
            (2..=2, NICIRA, 32, 0),
            (4..=5, 0, 14, 7),
        ],
    ),
    (
        "OFPBPC_BAD_LEN",
        3..=3,
        &[
            (0..=1, NICIRA, 13, 3),
            (2..=2, NICIRA, 26, 0),
            (4..=5, 0, 14, 1),
        ],
    ),
    (
        "OFPBPC_BAD_TYPE",
        3..=3,
        &[
            (0..=1, NICIRA, 13, 2),
            (2..=2, NICIRA, 25, 0),
            (4..=5, 0, 14, 0),
        ],
    ),
    (
        "OFPBPC_BAD_VALUE",
        3..=3,
        &[
            (0..=1, NICIRA, 13, 4),
            (2..=2, NICIRA, 27, 0),
            (4..=5, 0, 14, 2),
        ],
    ),
    (
        "OFPBPC_DUP_TYPE",
        3..=3,
        &[
            (0..=1, NICIRA, 14, 4),
            (2..=2, NICIRA, 29, 0),
            (4..=5, 0, 14, 4),
        ],
    ),
    (
        "OFPBPC_EPERM",
        3..=3,
        &[
            (0..=1, NICIRA, 14, 8),
            (2..=2, NICIRA, 33, 0),
            (4..=5, 0, 14, 8),
        ],
    ),
    (
        "OFPBPC_TOO_MANY",
        3..=3,
        &[
            (0..=1, NICIRA, 14, 3),
            (2..=2, NICIRA, 28, 0),
            (4..=5, 0, 14, 3),
        ],
    ),
    ("OFPBRC_BAD_PACKET", 2..=5, &[]),
    ("OFPBRC_BAD_PORT", 2..=5, &[(0..=1, NICIRA, 1, 514)]),
    ("OFPBRC_BAD_TABLE_ID", 1..=5, &[(0..=0, NICIRA, 1, 512)]),
    ("OFPBRC_IS_SECONDARY", 2..=5, &[(0..=1, 0, 1, 5)]),
    ("OFPBRC_MULTIPART_BAD_SCHED", NONE, &[(5..=5, 0, 1, 16)]),
    ("OFPBRC_MULTIPART_BUFFER_OVERFLOW", 3..=5, &[]),
    (
        "OFPBRC_MULTIPART_REPLY_TIMEOUT",
        3..=3,
        &[(4..=5, 0, 1, 15)],
    ),
    (
        "OFPBRC_MULTIPART_REQUEST_TIMEOUT",
        3..=3,
        &[(4..=5, 0, 1, 14)],
    ),
    ("OFPBRC_PIPELINE_FIELDS_ONLY", NONE, &[(5..=5, 0, 1, 17)]),
    ("OFPBRC_UNKNOWN", NONE, &[(5..=5, 0, 1, 18)]),
    ("OFPFMFC_BAD_COMMAND", 1..=5, &[(0..=0, 0, 3, 4)]),
    ("OFPFMFC_BAD_EMERG_TIMEOUT", NONE, &[(0..=0, 0, 3, 3)]),
    (
        "OFPFMFC_BAD_FLAGS",
        2..=5,
        &[(0..=0, NICIRA, 3, 258), (1..=1, NICIRA, 5, 258)],
    ),
    ("OFPFMFC_BAD_PRIORITY", 3..=3, &[(4..=5, 0, 5, 9)]),
    ("OFPFMFC_BAD_TABLE_ID", 1..=5, &[]),
    ("OFPFMFC_BAD_TIMEOUT", 1..=5, &[]),
    ("OFPFMFC_CANT_SYNC", NONE, &[(4..=5, 0, 5, 8)]),
    ("OFPFMFC_EPERM", 1..=5, &[(0..=0, 0, 3, 2)]),
    ("OFPFMFC_IS_SYNC", NONE, &[(4..=5, 0, 5, 10)]),
    ("OFPFMFC_OVERLAP", 1..=5, &[(0..=0, 0, 3, 1)]),
    ("OFPFMFC_TABLE_FULL", 1..=5, &[(0..=0, 0, 3, 0)]),
    ("OFPFMFC_UNKNOWN", 1..=5, &[]),
    ("OFPFMFC_UNSUPPORTED", NONE, &[(0..=0, 0, 3, 5)]),
    ("OFPGMFC_BAD_BUCKET", 2..=5, &[(0..=0, NICIRA, 6, 12)]),
    ("OFPGMFC_BAD_COMMAND", 2..=5, &[(0..=0, NICIRA, 6, 11)]),
    ("OFPGMFC_BAD_TYPE", 2..=5, &[(0..=0, NICIRA, 6, 10)]),
    ("OFPGMFC_BAD_WATCH", 2..=5, &[(0..=0, NICIRA, 6, 13)]),
    (
        "OFPGMFC_BUCKET_EXISTS",
        NONE,
        &[(0..=0, NICIRA, 6, 16), (5..=5, 0, 6, 16)],
    ),
    ("OFPGMFC_CHAINED_GROUP", 2..=5, &[(0..=0, NICIRA, 6, 9)]),
    (
        "OFPGMFC_CHAINING_UNSUPPORTED",
        1..=5,
        &[(0..=0, NICIRA, 6, 5)],
    ),
    ("OFPGMFC_EPERM", 2..=5, &[(0..=0, NICIRA, 6, 14)]),
    ("OFPGMFC_GROUP_EXISTS", 1..=5, &[(0..=0, NICIRA, 6, 0)]),
    ("OFPGMFC_INVALID_GROUP", 1..=5, &[(0..=0, NICIRA, 6, 1)]),
    ("OFPGMFC_LOOP", 1..=5, &[(0..=0, NICIRA, 6, 7)]),
    ("OFPGMFC_OUT_OF_BUCKETS", 1..=5, &[(0..=0, NICIRA, 6, 4)]),
    ("OFPGMFC_OUT_OF_GROUPS", 1..=5, &[(0..=0, NICIRA, 6, 3)]),
    (
        "OFPGMFC_UNKNOWN_BUCKET",
        NONE,
        &[(0..=0, NICIRA, 6, 15), (5..=5, 0, 6, 15)],
    ),
    ("OFPGMFC_UNKNOWN_GROUP", 1..=5, &[(0..=0, NICIRA, 6, 8)]),
    ("OFPGMFC_WATCH_UNSUPPORTED", 1..=5, &[(0..=0, NICIRA, 6, 6)]),
    (
        "OFPGMFC_WEIGHT_UNSUPPORTED",
        1..=5,
        &[(0..=0, NICIRA, 6, 2)],
    ),
    ("OFPMMFC_BAD_BAND", 3..=5, &[]),
    ("OFPMMFC_BAD_BAND_VALUE", 3..=5, &[]),
    ("OFPMMFC_BAD_BURST", 3..=5, &[]),
    ("OFPMMFC_BAD_COMMAND", 3..=5, &[]),
    ("OFPMMFC_BAD_FLAGS", 3..=5, &[]),
    ("OFPMMFC_BAD_RATE", 3..=5, &[]),
    ("OFPMMFC_INVALID_METER", 3..=5, &[]),
    ("OFPMMFC_METER_EXISTS", 3..=5, &[]),
    ("OFPMMFC_OUT_OF_BANDS", 3..=5, &[]),
    ("OFPMMFC_OUT_OF_METERS", 3..=5, &[]),
    ("OFPMMFC_UNKNOWN", 3..=5, &[]),
    ("OFPMMFC_UNKNOWN_METER", 3..=5, &[]),
    ("OFPMOFC_BAD_COMMAND", NONE, &[(4..=5, 0, 16, 4)]),
    (
        "OFPMOFC_BAD_FLAGS",
        2..=3,
        &[(0..=1, NICIRA, 1, 518), (4..=5, 0, 16, 5)],
    ),
    ("OFPMOFC_BAD_OUT", NONE, &[(4..=5, 0, 16, 7)]),
    ("OFPMOFC_BAD_TABLE_ID", NONE, &[(4..=5, 0, 16, 6)]),
    ("OFPMOFC_INVALID_MONITOR", NONE, &[(4..=5, 0, 16, 2)]),
    (
        "OFPMOFC_MONITOR_EXISTS",
        2..=3,
        &[(0..=1, NICIRA, 1, 517), (4..=5, 0, 16, 1)],
    ),
    ("OFPMOFC_UNKNOWN", NONE, &[(4..=5, 0, 16, 0)]),
    (
        "OFPMOFC_UNKNOWN_MONITOR",
        2..=3,
        &[(0..=1, NICIRA, 1, 519), (4..=5, 0, 16, 3)],
    ),
    ("OFPPMFC_BAD_ADVERTISE", 1..=5, &[]),
    ("OFPPMFC_BAD_CONFIG", 1..=5, &[]),
    ("OFPPMFC_BAD_HW_ADDR", 1..=5, &[(0..=0, 0, 4, 1)]),
    ("OFPPMFC_BAD_PORT", 1..=5, &[(0..=0, 0, 4, 0)]),
    ("OFPPMFC_EPERM", 2..=5, &[]),
    ("OFPQOFC_BAD_PORT", 1..=5, &[(0..=0, 0, 5, 0)]),
    ("OFPQOFC_BAD_QUEUE", 1..=5, &[(0..=0, 0, 5, 1)]),
    ("OFPQOFC_EPERM", 1..=5, &[(0..=0, 0, 5, 2)]),
    ("OFPRRFC_BAD_ROLE", 2..=5, &[(0..=1, NICIRA, 1, 513)]),
    ("OFPRRFC_ID_IN_USE", NONE, &[(5..=5, 0, 11, 4)]),
    ("OFPRRFC_ID_UNSUP", NONE, &[(5..=5, 0, 11, 3)]),
    ("OFPRRFC_STALE", 2..=5, &[]),
    ("OFPRRFC_UNSUP", 2..=5, &[]),
    ("OFPSCFC_BAD_FLAGS", 1..=5, &[]),
    ("OFPSCFC_BAD_LEN", 1..=5, &[]),
    ("OFPSCFC_EPERM", 2..=5, &[]),
    ("OFPTFFC_BAD_CAPA", NONE, &[(5..=5, 0, 13, 6)]),
    ("OFPTFFC_BAD_COMMAND", NONE, &[(5..=5, 0, 13, 9)]),
    ("OFPTFFC_BAD_FEATURES", NONE, &[(5..=5, 0, 13, 8)]),
    ("OFPTFFC_BAD_MAX_ENT", NONE, &[(5..=5, 0, 13, 7)]),
    ("OFPTFFC_BAD_METADATA", 3..=5, &[]),
    ("OFPTFFC_BAD_TABLE", 3..=5, &[]),
    ("OFPTFFC_EPERM", 3..=5, &[]),
    ("OFPTFFC_TOO_MANY", NONE, &[(5..=5, 0, 13, 10)]),
    ("OFPTMFC_BAD_CONFIG", 1..=5, &[]),
    ("OFPTMFC_BAD_TABLE", 1..=5, &[]),
    ("OFPTMFC_EPERM", 2..=5, &[]),
];
