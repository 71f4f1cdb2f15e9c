//! The tools: each is the type of its arguments, with what a model is told about it and what a call does.

mod answer;
#[cfg(test)]
mod answer_tests;
mod forget;
mod link;
mod recall;
mod recent;
mod remember;
mod show;
mod stats;
mod update;
mod wanted;

use std::sync::Arc;

use rekall::CancelToken;
use rmcp::handler::server::tool::schema_for_input;
use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::arguments;
use crate::failure::Failure;
use crate::memory::Opened;

/// A tool: its arguments, and what a call with them does.
trait Tool: DeserializeOwned + JsonSchema + 'static {
    const NAME: &'static str;
    /// For people.
    const TITLE: &'static str;
    /// For models: when to call it, what comes back, what to do then.
    const DESCRIPTION: &'static str;
    const EFFECT: Effect;

    fn call(self, rekall: &Opened, cancel: &CancelToken) -> Result<String, Failure>;
}

/// What a call does to the memory. Hosts ask their user before some calls, and not before others.
enum Effect {
    /// Changes nothing.
    Reads,
    /// Adds something, and takes nothing away.
    Adds,
    /// Changes or removes what was there.
    Changes,
}

impl Effect {
    /// As the protocol has it: <https://modelcontextprotocol.io/specification/2025-11-25/schema#toolannotations>.
    fn annotations(&self) -> ToolAnnotations {
        let hints = ToolAnnotations::new().open_world(false);
        match self {
            Self::Reads => hints.read_only(true),
            Self::Adds => hints.read_only(false).destructive(false),
            Self::Changes => hints.read_only(false).destructive(true),
        }
    }
}

type Call = fn(Map<String, Value>, &Opened, &CancelToken) -> Result<String, Failure>;

/// A tool as the server lists and calls it.
pub(crate) struct Definition {
    pub(crate) tool: rmcp::model::Tool,
    pub(crate) call: Call,
}

/// All tools, the most used first.
pub(crate) fn all() -> Result<Vec<Definition>, Failure> {
    Ok(vec![
        definition::<recall::Recall>()?,
        definition::<remember::Remember>()?,
        definition::<update::Update>()?,
        definition::<show::Show>()?,
        definition::<recent::Recent>()?,
        definition::<link::Link>()?,
        definition::<forget::Forget>()?,
        definition::<stats::Stats>()?,
    ])
}

fn definition<T: Tool>() -> Result<Definition, Failure> {
    let mut schema = schema_for_input::<T>().map_err(Failure::Internal)?;
    // Some hosts want to see that there are none.
    Arc::make_mut(&mut schema).entry("properties").or_insert_with(|| Map::new().into());
    let tool = rmcp::model::Tool::new(T::NAME, T::DESCRIPTION, schema)
        .with_title(T::TITLE)
        .with_annotations(T::EFFECT.annotations());
    Ok(Definition { tool, call: |given, rekall, cancel| arguments::parse::<T>(given)?.call(rekall, cancel) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens;

    /// Host and model are sent this with every conversation.
    #[test]
    fn the_list_of_tools_is_complete_and_short() {
        let listed: Vec<_> = all().unwrap().into_iter().map(|definition| definition.tool).collect();
        for tool in &listed {
            assert_eq!(tool.input_schema["additionalProperties"], false, "{}", tool.name);
            let properties = tool.input_schema["properties"].as_object().unwrap();
            for (name, property) in properties {
                let described = property["description"].as_str().is_some_and(|text| !text.is_empty());
                assert!(described, "{}: {name}: {property}", tool.name);
                let bounded = ["maximum", "maxLength", "maxItems", "pattern", "enum"];
                let is_bounded = bounded.iter().any(|key| property.get(key).is_some());
                assert!(
                    is_bounded || property["type"].to_string().contains("boolean"),
                    "{}: {name}: {property}",
                    tool.name
                );
            }
        }
        let json = serde_json::to_string(&listed).unwrap();
        assert!(tokens::estimate(&json) < 4_000, "{}", tokens::estimate(&json));
    }
}
