//! How a filter's status is written, where "no condition" is not the default and so has a word.

pub(super) mod status {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::Status;

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum WantedStatus {
        Active,
        Obsolete,
        Any,
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
    pub(in crate::filter) fn serialize<S: Serializer>(
        status: &Option<Status>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let wanted = match status {
            Some(Status::Active) => WantedStatus::Active,
            Some(Status::Obsolete) => WantedStatus::Obsolete,
            None => WantedStatus::Any,
        };
        wanted.serialize(serializer)
    }

    pub(in crate::filter) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Status>, D::Error> {
        Ok(match WantedStatus::deserialize(deserializer)? {
            WantedStatus::Active => Some(Status::Active),
            WantedStatus::Obsolete => Some(Status::Obsolete),
            WantedStatus::Any => None,
        })
    }
}
