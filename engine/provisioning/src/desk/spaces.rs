//! Spaces: what belongs to one, and the namespaces of those who work in them.

use uuid::Uuid;

use super::{Fault, Work};
use crate::{
    model::{Codebase, Environment, Namespace, PipelineMap, Pool, base_name, namespace_name},
    refusal::Refusal,
    tables,
};

/// Names that are tried for one user at most. Each is taken by another user of the same name.
const MOST_NAMES: u32 = 1000;

impl Work<'_, '_> {
    /// A space.
    pub(crate) fn space(&self, id: &str) -> Result<Pool, Fault> {
        Ok(tables::pools::get(self.connection, id)?.ok_or_else(|| Refusal::not_found("space", id))?)
    }

    /// An environment with its space.
    pub(crate) fn environment(&self, id: &str) -> Result<(String, Environment), Fault> {
        let found = tables::spaces::environment(self.connection, id)?;
        let (_, space, environment) = found.ok_or_else(|| Refusal::not_found("environment", id))?;
        Ok((space, environment))
    }

    /// A map of a pipeline with its space.
    pub(crate) fn pipeline_map(&self, id: &str) -> Result<(String, PipelineMap), Fault> {
        let found = tables::spaces::pipeline_map(self.connection, id)?;
        let (_, space, map) = found.ok_or_else(|| Refusal::not_found("map of a pipeline", id))?;
        Ok((space, map))
    }

    /// A new environment of a space. Answers its id.
    pub(crate) fn new_environment(&mut self, space: &str, new: &Environment) -> Result<String, Fault> {
        let others = tables::spaces::environments(self.connection, space)?;
        new.check(&others.into_iter().map(|(_, _, other)| other).collect::<Vec<_>>())?;
        let id = Uuid::now_v7().to_string();
        tables::spaces::insert_environment(self.connection, &id, space, new)?;
        Ok(id)
    }

    /// Removes an environment that no pipeline uses.
    pub(crate) fn delete_environment(&mut self, space: &str, id: &str) -> Result<(), Fault> {
        let maps = tables::spaces::pipeline_maps(self.connection, space)?;
        let uses = |map: &PipelineMap| map.environments.iter().any(|stage| stage.environment == id);
        if let Some((_, _, map)) = maps.iter().find(|(_, _, map)| uses(map)) {
            let message = format!("the map `{}` of a pipeline uses the environment", map.name);
            return Err(Refusal::not_supported(message).into());
        }
        Ok(tables::spaces::delete_environment(self.connection, id)?)
    }

    /// Writes a map, a new one or in place of one. Answers its id.
    pub(crate) fn put_pipeline_map(
        &mut self,
        space: &str,
        known: Option<&str>,
        map: &PipelineMap,
    ) -> Result<String, Fault> {
        map.check()?;
        for stage in &map.environments {
            let (of, _) = self.environment(&stage.environment)?;
            if of != space {
                return Err(Refusal::not_found("environment of the space called", &stage.environment).into());
            }
        }
        let others = tables::spaces::pipeline_maps(self.connection, space)?;
        if others.iter().any(|(id, _, other)| other.name == map.name && known != Some(id)) {
            return Err(Refusal::name_taken("map of a pipeline", &map.name).into());
        }
        let id = known.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
        tables::spaces::put_pipeline_map(self.connection, &id, space, map)?;
        Ok(id)
    }

    /// A new codebase of a space. Answers its id.
    pub(crate) fn new_codebase(&mut self, space: &str, codebase: &Codebase) -> Result<String, Fault> {
        if let Some(map) = &codebase.pipeline_environment_map
            && self.pipeline_map(map)?.0 != space
        {
            return Err(Refusal::not_found("map of a pipeline of the space called", map).into());
        }
        let id = Uuid::now_v7().to_string();
        tables::spaces::insert_codebase(self.connection, &id, space, codebase)?;
        Ok(id)
    }

    /// Writes a namespace of a user. It keeps its name, unless another one is wanted; a new one without a name gets one. Answers it.
    pub(crate) fn put_namespace(
        &mut self,
        mut namespace: Namespace,
        wanted: Option<&str>,
    ) -> Result<Namespace, Fault> {
        let known = tables::namespaces::get(self.connection, &namespace)?;
        let is_free = |name: &str| {
            let owner = tables::namespaces::at(self.connection, &namespace.cluster, name)?;
            Ok::<_, Fault>(owner.is_none_or(|owner| {
                let key = |of: &Namespace| {
                    (of.user.clone(), of.kind.clone(), of.space.clone(), of.environment.clone())
                };
                key(&owner) == key(&namespace)
            }))
        };
        let (name, base) = match (wanted, known) {
            (Some(name), known) => {
                if !is_free(name)? {
                    return Err(Refusal::name_taken("namespace in the cluster called", name).into());
                }
                (name.to_owned(), known.map_or_else(String::new, |(_, base)| base))
            }
            (None, Some((known, base))) if is_free(&known.name)? => (known.name, base),
            (None, _) => {
                let first = base_name(&namespace.user);
                let numbered = (2..MOST_NAMES).map(|number| format!("{first}{number}"));
                let mut found = None;
                for base in std::iter::once(first.clone()).chain(numbered) {
                    let name = namespace_name(&base, &namespace.kind);
                    let is_foreign =
                        tables::namespaces::is_base_of_another(self.connection, &base, &namespace.user)?;
                    if !is_foreign && is_free(&name)? {
                        found = Some((name, base));
                        break;
                    }
                }
                found
                    .ok_or_else(|| Refusal::name_taken("namespace for each name that begins with", &first))?
            }
        };
        namespace.name = name;
        tables::namespaces::put(self.connection, &namespace, &base)?;
        Ok(namespace)
    }
}
