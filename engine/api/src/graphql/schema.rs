//! The schema, made of the SDL in `data-index.graphql`.
//!
//! All output fields have the same resolver, which looks at the names of type and field. So introspection answers what the SDL says.

use async_graphql::{
    Name,
    dynamic::{Enum, EnumItem, Field, InputObject, InputValue, Object, Scalar, Schema, TypeRef},
    parser::{
        parse_schema,
        types::{
            BaseType, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind,
            TypeSystemDefinition,
        },
    },
};
use rondo_runtime::Engine;

use super::{guard, resolve};

const SDL: &str = include_str!("data-index.graphql");

/// Why the Data Index cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A defect of the schema.
    #[error("the GraphQL schema of the Data Index cannot be built: {0}")]
    Schema(String),
    /// The system has no threads for it.
    #[error("the threads that answer GraphQL cannot be started")]
    Threads(#[from] std::io::Error),
}

/// The Data Index's schema over an engine.
pub(super) fn schema(engine: &Engine) -> Result<Schema, SchemaError> {
    let document = parse_schema(SDL).map_err(|error| SchemaError::Schema(error.to_string()))?;
    let mut builder =
        Schema::build("Query", Some("Mutation"), None).data(engine.clone()).limit_depth(guard::DEPTH);
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeDefinition { name, description, kind, .. } = definition.node;
        let name = name.node.as_str();
        let described = description.map(|description| description.node);
        builder = match kind {
            TypeKind::Scalar => {
                let scalar = Scalar::new(name);
                builder.register(match described {
                    Some(text) => scalar.description(text),
                    None => scalar,
                })
            }
            TypeKind::Enum(values) => {
                let items =
                    values.values.into_iter().map(|value| EnumItem::new(value.node.value.node.as_str()));
                builder.register(Enum::new(name).items(items))
            }
            TypeKind::InputObject(input) => {
                let fields = input.fields.into_iter().map(|field| argument(&field.node));
                builder.register(fields.fold(InputObject::new(name), InputObject::field))
            }
            TypeKind::Object(object) => {
                let fields = object.fields.into_iter().map(|field| output(name, field.node));
                builder.register(fields.fold(Object::new(name), Object::field))
            }
            TypeKind::Interface(_) | TypeKind::Union(_) => builder,
        };
    }
    builder.finish().map_err(|error| SchemaError::Schema(error.to_string()))
}

fn output(object: &str, definition: FieldDefinition) -> Field {
    let names = (Name::new(object), definition.name.node);
    let field = Field::new(names.1.to_string(), type_ref(&definition.ty.node), move |context| {
        let (owner, name) = names.clone();
        resolve::field(owner, name, context)
    });
    definition.arguments.into_iter().map(|given| argument(&given.node)).fold(field, Field::argument)
}

fn argument(definition: &InputValueDefinition) -> InputValue {
    InputValue::new(definition.name.node.as_str(), type_ref(&definition.ty.node))
}

fn type_ref(of: &Type) -> TypeRef {
    let base = match &of.base {
        BaseType::Named(name) => TypeRef::named(name.as_str()),
        BaseType::List(item) => TypeRef::List(Box::new(type_ref(item))),
    };
    if of.nullable { base } else { TypeRef::NonNull(Box::new(base)) }
}
