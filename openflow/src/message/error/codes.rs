//! Every error that OpenFlow 1.3 and the extensions in OVS can tell.
//!
//! Errors of later versions that 1.3 borrows, and those of Open vSwitch, are experimenters' errors:
//! they have a number instead of a type and a code.

use super::ErrorCode;

/// Declares the errors: how each is told on the wire.
///
/// ```ignore
/// errors! {
///     "Flow mods" {
///         OFPFMFC_BAD_COMMAND = Standard 5, 6;
///         NXFMFC_HARDWARE = Nicira 12;
///     }
/// }
/// ```
///
/// becomes `ErrorCode::OFPFMFC_BAD_COMMAND` and so on, and what [`ErrorCode::name`] says of them.
macro_rules! errors {
    ($($about:literal {$($name:ident = $space:ident $kind:literal $(, $code:literal)?;)*})*) => {
        impl ErrorCode {
            $($(
                #[doc = concat!($about, ": `", stringify!($name), "`.")]
                pub const $name: Self = Self::$space($kind $(, $code)?);
            )*)*

            /// What `ovs-ofctl` calls the error, if it is declared.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $($(Self::$space($kind $(, $code)?) => Some(stringify!($name)),)*)*
                    _ => None,
                }
            }

            /// Every error that has a name.
            pub const NAMED: &'static [Self] = &[$($(Self::$name,)*)*];
        }
    };
}

errors! {
    "Agreeing on a version failed" {
        OFPHFC_INCOMPATIBLE = Standard 0, 0;
        OFPHFC_EPERM = Standard 0, 1;
    }
    "The message is refused" {
        OFPBRC_BAD_VERSION = Standard 1, 0;
        OFPBRC_BAD_TYPE = Standard 1, 1;
        OFPBRC_BAD_STAT = Standard 1, 2;
        OFPBRC_BAD_VENDOR = Standard 1, 3;
        OFPBRC_BAD_SUBTYPE = Standard 1, 4;
        OFPBRC_EPERM = Standard 1, 5;
        OFPBRC_BAD_LEN = Standard 1, 6;
        OFPBRC_BUFFER_EMPTY = Standard 1, 7;
        OFPBRC_BUFFER_UNKNOWN = Standard 1, 8;
        OFPBRC_BAD_TABLE_ID = Standard 1, 9;
        OFPBRC_IS_SECONDARY = Standard 1, 10;
        OFPBRC_BAD_PORT = Standard 1, 11;
        OFPBRC_BAD_PACKET = Standard 1, 12;
        OFPBRC_MULTIPART_BUFFER_OVERFLOW = Standard 1, 13;
        OFPBRC_MULTIPART_REQUEST_TIMEOUT = Onf 2640;
        OFPBRC_MULTIPART_REPLY_TIMEOUT = Onf 2641;
        NXBRC_NXM_INVALID = Nicira 2;
        NXBRC_NXM_BAD_TYPE = Nicira 3;
        NXBRC_MUST_BE_ZERO = Nicira 4;
        NXBRC_BAD_REASON = Nicira 5;
        NXBRC_FM_BAD_EVENT = Nicira 9;
        NXBRC_UNENCODABLE_ERROR = Nicira 10;
    }
    "An action is refused" {
        OFPBAC_BAD_TYPE = Standard 2, 0;
        OFPBAC_BAD_LEN = Standard 2, 1;
        OFPBAC_BAD_VENDOR = Standard 2, 2;
        OFPBAC_BAD_VENDOR_TYPE = Standard 2, 3;
        OFPBAC_BAD_OUT_PORT = Standard 2, 4;
        OFPBAC_BAD_ARGUMENT = Standard 2, 5;
        OFPBAC_EPERM = Standard 2, 6;
        OFPBAC_TOO_MANY = Standard 2, 7;
        OFPBAC_BAD_QUEUE = Standard 2, 8;
        OFPBAC_BAD_OUT_GROUP = Standard 2, 9;
        OFPBAC_MATCH_INCONSISTENT = Standard 2, 10;
        OFPBAC_UNSUPPORTED_ORDER = Standard 2, 11;
        OFPBAC_BAD_TAG = Standard 2, 12;
        OFPBAC_BAD_SET_TYPE = Standard 2, 13;
        OFPBAC_BAD_SET_LEN = Standard 2, 14;
        OFPBAC_BAD_SET_ARGUMENT = Standard 2, 15;
        OFPBAC_BAD_SET_MASK = Onf 4250;
        NXBAC_MUST_BE_ZERO = Nicira 11;
        NXBAC_BAD_CONJUNCTION = Nicira 15;
        NXBAC_BAD_HEADER_TYPE = Nicira 39;
        NXBAC_UNKNOWN_ED_PROP = Nicira 40;
        NXBAC_BAD_ED_PROP = Nicira 41;
        NXBAC_CT_DATAPATH_SUPPORT = Nicira 42;
    }
    "An instruction is refused" {
        OFPBIC_UNKNOWN_INST = Standard 3, 0;
        OFPBIC_UNSUP_INST = Standard 3, 1;
        OFPBIC_BAD_TABLE_ID = Standard 3, 2;
        OFPBIC_UNSUP_METADATA = Standard 3, 3;
        OFPBIC_UNSUP_METADATA_MASK = Standard 3, 4;
        OFPBIC_BAD_EXPERIMENTER = Standard 3, 5;
        OFPBIC_BAD_EXP_TYPE = Standard 3, 6;
        OFPBIC_BAD_LEN = Standard 3, 7;
        OFPBIC_EPERM = Standard 3, 8;
        OFPBIC_DUP_INST = Onf 2600;
    }
    "A match is refused" {
        OFPBMC_BAD_TYPE = Standard 4, 0;
        OFPBMC_BAD_LEN = Standard 4, 1;
        OFPBMC_BAD_TAG = Standard 4, 2;
        OFPBMC_BAD_DL_ADDR_MASK = Standard 4, 3;
        OFPBMC_BAD_NW_ADDR_MASK = Standard 4, 4;
        OFPBMC_BAD_WILDCARDS = Standard 4, 5;
        OFPBMC_BAD_FIELD = Standard 4, 6;
        OFPBMC_BAD_VALUE = Standard 4, 7;
        OFPBMC_BAD_MASK = Standard 4, 8;
        OFPBMC_BAD_PREREQ = Standard 4, 9;
        OFPBMC_DUP_FIELD = Standard 4, 10;
        OFPBMC_EPERM = Standard 4, 11;
        NXBMC_CT_DATAPATH_SUPPORT = Nicira 43;
    }
    "A flow mod is refused" {
        OFPFMFC_UNKNOWN = Standard 5, 0;
        OFPFMFC_TABLE_FULL = Standard 5, 1;
        OFPFMFC_BAD_TABLE_ID = Standard 5, 2;
        OFPFMFC_OVERLAP = Standard 5, 3;
        OFPFMFC_EPERM = Standard 5, 4;
        OFPFMFC_BAD_TIMEOUT = Standard 5, 5;
        OFPFMFC_BAD_COMMAND = Standard 5, 6;
        OFPFMFC_BAD_FLAGS = Standard 5, 7;
        OFPFMFC_BAD_PRIORITY = Onf 2360;
        NXFMFC_HARDWARE = Nicira 12;
        NXFMFC_BAD_TABLE_ID = Nicira 13;
        NXFMFC_INVALID_TLV_FIELD = Nicira 37;
    }
    "A group mod is refused" {
        OFPGMFC_GROUP_EXISTS = Standard 6, 0;
        OFPGMFC_INVALID_GROUP = Standard 6, 1;
        OFPGMFC_WEIGHT_UNSUPPORTED = Standard 6, 2;
        OFPGMFC_OUT_OF_GROUPS = Standard 6, 3;
        OFPGMFC_OUT_OF_BUCKETS = Standard 6, 4;
        OFPGMFC_CHAINING_UNSUPPORTED = Standard 6, 5;
        OFPGMFC_WATCH_UNSUPPORTED = Standard 6, 6;
        OFPGMFC_LOOP = Standard 6, 7;
        OFPGMFC_UNKNOWN_GROUP = Standard 6, 8;
        OFPGMFC_CHAINED_GROUP = Standard 6, 9;
        OFPGMFC_BAD_TYPE = Standard 6, 10;
        OFPGMFC_BAD_COMMAND = Standard 6, 11;
        OFPGMFC_BAD_BUCKET = Standard 6, 12;
        OFPGMFC_BAD_WATCH = Standard 6, 13;
        OFPGMFC_EPERM = Standard 6, 14;
    }
    "A port mod is refused" {
        OFPPMFC_BAD_PORT = Standard 7, 0;
        OFPPMFC_BAD_HW_ADDR = Standard 7, 1;
        OFPPMFC_BAD_CONFIG = Standard 7, 2;
        OFPPMFC_BAD_ADVERTISE = Standard 7, 3;
        OFPPMFC_EPERM = Standard 7, 4;
    }
    "A table mod is refused" {
        OFPTMFC_BAD_TABLE = Standard 8, 0;
        OFPTMFC_BAD_CONFIG = Standard 8, 1;
        OFPTMFC_EPERM = Standard 8, 2;
    }
    "A question about queues is refused" {
        OFPQOFC_BAD_PORT = Standard 9, 0;
        OFPQOFC_BAD_QUEUE = Standard 9, 1;
        OFPQOFC_EPERM = Standard 9, 2;
    }
    "A configuration is refused" {
        OFPSCFC_BAD_FLAGS = Standard 10, 0;
        OFPSCFC_BAD_LEN = Standard 10, 1;
        OFPSCFC_EPERM = Standard 10, 2;
    }
    "A role is refused" {
        OFPRRFC_STALE = Standard 11, 0;
        OFPRRFC_UNSUP = Standard 11, 1;
        OFPRRFC_BAD_ROLE = Standard 11, 2;
    }
    "A meter mod is refused" {
        OFPMMFC_UNKNOWN = Standard 12, 0;
        OFPMMFC_METER_EXISTS = Standard 12, 1;
        OFPMMFC_INVALID_METER = Standard 12, 2;
        OFPMMFC_UNKNOWN_METER = Standard 12, 3;
        OFPMMFC_BAD_COMMAND = Standard 12, 4;
        OFPMMFC_BAD_FLAGS = Standard 12, 5;
        OFPMMFC_BAD_RATE = Standard 12, 6;
        OFPMMFC_BAD_BURST = Standard 12, 7;
        OFPMMFC_BAD_BAND = Standard 12, 8;
        OFPMMFC_BAD_BAND_VALUE = Standard 12, 9;
        OFPMMFC_OUT_OF_METERS = Standard 12, 10;
        OFPMMFC_OUT_OF_BANDS = Standard 12, 11;
    }
    "Features of tables are refused" {
        OFPTFFC_BAD_TABLE = Standard 13, 0;
        OFPTFFC_BAD_METADATA = Standard 13, 1;
        OFPTFFC_EPERM = Standard 13, 5;
        NXTFFC_DUP_TABLE = Nicira 44;
    }
    "A property is refused" {
        OFPBPC_BAD_TYPE = Standard 13, 2;
        OFPBPC_BAD_LEN = Standard 13, 3;
        OFPBPC_BAD_VALUE = Standard 13, 4;
        OFPBPC_TOO_MANY = Onf 4443;
        OFPBPC_DUP_TYPE = Onf 4444;
        OFPBPC_BAD_EXPERIMENTER = Onf 4445;
        OFPBPC_BAD_EXP_TYPE = Onf 4446;
        OFPBPC_BAD_EXP_VALUE = Onf 4447;
        OFPBPC_EPERM = Onf 4448;
    }
    "A choice of asynchronous messages is refused" {
        OFPACFC_INVALID = Onf 2370;
        OFPACFC_UNSUPPORTED = Onf 2371;
        OFPACFC_EPERM = Onf 2372;
    }
    "A bundle is refused" {
        OFPBFC_UNKNOWN = Onf 2300;
        OFPBFC_EPERM = Onf 2301;
        OFPBFC_BAD_ID = Onf 2302;
        OFPBFC_BUNDLE_EXIST = Onf 2303;
        OFPBFC_BUNDLE_CLOSED = Onf 2304;
        OFPBFC_OUT_OF_BUNDLES = Onf 2305;
        OFPBFC_BAD_TYPE = Onf 2306;
        OFPBFC_BAD_FLAGS = Onf 2307;
        OFPBFC_MSG_BAD_LEN = Onf 2308;
        OFPBFC_MSG_BAD_XID = Onf 2309;
        OFPBFC_MSG_UNSUP = Onf 2310;
        OFPBFC_MSG_CONFLICT = Onf 2311;
        OFPBFC_MSG_TOO_MANY = Onf 2312;
        OFPBFC_MSG_FAILED = Onf 2313;
        OFPBFC_TIMEOUT = Onf 2314;
        OFPBFC_BUNDLE_IN_PROGRESS = Onf 2315;
    }
    "A flow monitor is refused" {
        OFPMOFC_MONITOR_EXISTS = Nicira 6;
        OFPMOFC_UNKNOWN_MONITOR = Nicira 8;
        OFPMOFC_BAD_FLAGS = Nicira 7;
    }
    "A mapping of tunnel options is refused" {
        NXTTMFC_BAD_COMMAND = Nicira 16;
        NXTTMFC_BAD_OPT_LEN = Nicira 17;
        NXTTMFC_BAD_FIELD_IDX = Nicira 18;
        NXTTMFC_TABLE_FULL = Nicira 19;
        NXTTMFC_ALREADY_MAPPED = Nicira 20;
        NXTTMFC_DUP_ENTRY = Nicira 21;
        NXTTMFC_INVALID_TLV_DEL = Nicira 38;
    }
    "A packet cannot go on" {
        NXR_NOT_SUPPORTED = Nicira 34;
        NXR_STALE = Nicira 35;
    }
    "Statistics are refused" {
        NXST_NOT_CONFIGURED = Nicira 36;
    }
}
