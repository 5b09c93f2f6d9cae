//! The extensions of the API that are served, as clients ask for them.

use serde_json::{Value, json};

struct Extension {
    alias: &'static str,
    name: &'static str,
    description: &'static str,
    updated: &'static str,
}

const EXTENSIONS: &[Extension] = &[
    Extension {
        alias: "empty-string-filtering",
        name: "Empty String Filtering Extension",
        description: "Lists can be filtered by attributes that are empty",
        updated: "2018-05-01T10:00:00-00:00",
    },
    Extension {
        alias: "external-net",
        name: "Neutron external network",
        description: "Networks say whether they lead outside",
        updated: "2013-01-14T10:00:00-00:00",
    },
    Extension {
        alias: "filter-validation",
        name: "Filter parameters validation",
        description: "Filters that are not known are refused",
        updated: "2018-07-04T10:00:00-00:00",
    },
    Extension {
        alias: "net-mtu",
        name: "Network MTU",
        description: "Networks have an MTU",
        updated: "2015-03-25T10:00:00-00:00",
    },
    Extension {
        alias: "net-mtu-writable",
        name: "Network MTU (writable)",
        description: "The MTU of a network can be set",
        updated: "2017-07-12T00:00:00-00:00",
    },
    Extension {
        alias: "pagination",
        name: "Pagination support",
        description: "Lists can be asked for in pages",
        updated: "2016-06-12T00:00:00-00:00",
    },
    Extension {
        alias: "project-id",
        name: "project_id field enabled",
        description: "Objects name their project",
        updated: "2016-09-09T09:09:09-09:09",
    },
    Extension {
        alias: "provider",
        name: "Provider Network",
        description: "Networks say how they are carried",
        updated: "2012-09-07T10:00:00-00:00",
    },
    Extension {
        alias: "revision-if-match",
        name: "If-Match constraints based on revision_number",
        description: "A change can name the revision that it is meant for",
        updated: "2016-12-11T00:00:00-00:00",
    },
    Extension {
        alias: "sorting",
        name: "Sorting support",
        description: "Lists can be sorted",
        updated: "2016-06-12T00:00:00-00:00",
    },
    Extension {
        alias: "standard-attr-description",
        name: "standard-attr-description",
        description: "Objects have a description",
        updated: "2016-02-10T10:00:00-00:00",
    },
    Extension {
        alias: "standard-attr-revisions",
        name: "Resource revision numbers",
        description: "Objects count their changes",
        updated: "2016-04-11T10:00:00-00:00",
    },
    Extension {
        alias: "standard-attr-timestamp",
        name: "Resource timestamps",
        description: "Objects say when they were made and changed",
        updated: "2016-09-12T10:00:00-00:00",
    },
];

impl Extension {
    fn view(&self) -> Value {
        json!({
            "alias": self.alias,
            "name": self.name,
            "description": self.description,
            "updated": self.updated,
            "links": [],
        })
    }
}

/// All of them.
pub(super) fn list() -> Value {
    let views: Vec<Value> = EXTENSIONS.iter().map(Extension::view).collect();
    json!({ "extensions": views })
}

/// One, if it is served.
pub(super) fn show(alias: &str) -> Option<Value> {
    let extension = EXTENSIONS.iter().find(|row| row.alias == alias)?;
    Some(json!({ "extension": extension.view() }))
}
