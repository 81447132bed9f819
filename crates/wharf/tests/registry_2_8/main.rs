//! The behaviour of registry 2.8, row by row, asked of `docker-registry` 2.8 and of wharf.
//!
//! A case states one row. It runs twice, as `<module>::registry_2_8::<case>` and as `<module>::wharf::<case>`: the
//! first shows that the row is true, the second that wharf does the same. Where wharf does something else on purpose,
//! the case names an entry of the one list, [`differences::DIFFERENCES`], and states both answers. A difference that is
//! not in the list, an entry that no case names, and an entry that turns out to make no difference all fail.

mod blobs;
mod case;
mod differences;
mod errors;
mod expect;
mod images;
mod leftovers;
mod lists;
mod manifests;
mod negotiation;
mod operation;
mod page;
mod routes;
mod states;
mod subject;
mod uploads;
