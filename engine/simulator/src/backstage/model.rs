//! Tasks and notifications of the simulated Backstage, and the components that tasks registered.
//!
//! A task needs only time: it is due at a moment that is fixed when it is created, and [`Backstage::finish_due_tasks`]
//! carries out the templates that are due.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::{later, millis};
use crate::kubernetes::Cluster;

/// Tasks, notifications and components, in the order of their creation.
#[derive(Debug, Default)]
pub(crate) struct Backstage {
    tasks: Vec<Task>,
    notifications: Vec<Value>,
    components: Vec<Component>,
}

/// A run of a software template.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) template: String,
    pub(crate) values: Map<String, Value>,
    pub(crate) created: Timestamp,
    due: Timestamp,
    end: Option<End>,
}

/// How and when a task ended.
#[derive(Clone, Debug)]
struct End {
    at: Timestamp,
    status: &'static str,
    message: String,
}

/// A namespace in the catalog.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) owner: String,
}

impl Backstage {
    pub(crate) fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    pub(crate) fn task(&self, id: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == id)
    }

    pub(crate) fn notifications(&self) -> &[Value] {
        &self.notifications
    }

    pub(crate) fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name == name)
    }

    /// Starts a task; returns its id.
    pub(crate) fn launch(
        &mut self,
        template: String,
        values: Map<String, Value>,
        takes: Duration,
        now: Timestamp,
    ) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        let task = Task { id: id.clone(), template, values, created: now, due: later(now, takes), end: None };
        self.tasks.push(task);
        id
    }

    /// Stops a task that has not ended; its template has no effect then. Returns its status, or nothing if there is
    /// no such task.
    pub(crate) fn cancel(&mut self, id: &str, now: Timestamp) -> Option<&'static str> {
        let task = self.tasks.iter_mut().find(|task| task.id == id)?;
        task.end.get_or_insert_with(|| End { at: now, status: "cancelled", message: "Run cancelled".into() });
        Some(task.status())
    }

    pub(crate) fn notify(&mut self, notification: Value) {
        self.notifications.push(notification);
    }

    /// Carries out the tasks that are due.
    pub(crate) fn finish_due_tasks(&mut self, now: Timestamp, cluster: &mut Cluster) {
        for task in self.tasks.iter_mut().filter(|task| task.end.is_none() && task.due <= now) {
            let name = task.namespace();
            let owner = task.owner();
            let (status, message) = match cluster.create_tenant(&name, &task.value("size"), &owner, task.due)
            {
                Ok(()) => {
                    self.components.push(Component { name, owner });
                    ("completed", "Run completed with status: completed".to_owned())
                }
                Err(problem) => ("failed", format!("Run completed with status: failed. {problem}")),
            };
            task.end = Some(End { at: task.due, status, message });
        }
    }

    /// Everything, as the API shows it.
    pub(crate) fn describe(&self) -> Value {
        json!({
            "tasks": self.tasks.iter().map(Task::json).collect::<Value>(),
            "notifications": self.notifications,
            "components": self.components.iter().map(Component::json).collect::<Value>(),
        })
    }
}

impl Task {
    /// `processing`, `completed`, `failed` or `cancelled`.
    pub(crate) fn status(&self) -> &'static str {
        self.end.as_ref().map_or("processing", |end| end.status)
    }

    /// One of the values it was started with; empty if it is not there.
    pub(crate) fn value(&self, name: &str) -> String {
        self.values.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The namespace that it makes. Templates for the Orchestrator call the value `component_id`.
    pub(crate) fn namespace(&self) -> String {
        self.first_value(["namespace", "component_id"])
    }

    /// Who gets it: an entity reference, or the plain name of a user as templates for the Orchestrator have it.
    fn owner(&self) -> String {
        self.first_value(["owner", "namespace_owner"])
    }

    /// The first of these values that is not empty.
    fn first_value(&self, names: [&str; 2]) -> String {
        names.map(|name| self.value(name)).into_iter().find(|value| !value.is_empty()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        let name = self.template.rsplit('/').next().unwrap_or_default();
        json!({
            "id": self.id,
            "status": self.status(),
            "createdAt": millis(self.created),
            "lastHeartbeatAt": millis(self.end.as_ref().map_or(self.created, |end| end.at)),
            "createdBy": "user:default/self-service-bot",
            "spec": {
                "apiVersion": "scaffolder.backstage.io/v1beta3",
                "parameters": self.values,
                "steps": [
                    { "id": "namespace", "name": "Create the namespace", "action": "kubernetes:apply" },
                    { "id": "register", "name": "Register it in the catalog", "action": "catalog:register" },
                ],
                "output": self.output(),
                "user": { "ref": "user:default/self-service-bot" },
                "templateInfo": { "entityRef": self.template, "entity": { "metadata": { "name": name } } },
            },
        })
    }

    /// The log: the beginning, and the end once there is one.
    pub(crate) fn events(&self) -> Vec<Value> {
        let starting = json!({ "message": format!("Starting up task with 2 steps for {}", self.template) });
        let mut events = vec![self.event(1, "log", &starting, self.created)];
        if let Some(end) = &self.end {
            let mut body = json!({ "message": end.message, "status": end.status });
            if end.status == "completed" {
                body["output"] = self.output();
            } else {
                body["error"] = json!({ "name": "Error", "message": end.message });
            }
            events.push(self.event(2, "completion", &body, end.at));
        }
        events
    }

    fn event(&self, id: u64, kind: &str, body: &Value, at: Timestamp) -> Value {
        json!({ "id": id, "taskId": self.id, "body": body, "type": kind, "createdAt": millis(at) })
    }

    fn output(&self) -> Value {
        let entity = format!("component:default/{}", self.namespace());
        json!({ "links": [{ "title": "Open in catalog", "icon": "catalog", "entityRef": entity }] })
    }
}

impl Component {
    pub(crate) fn json(&self) -> Value {
        json!({
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": {
                "name": self.name,
                "namespace": "default",
                "annotations": { "backstage.io/kubernetes-namespace": self.name },
            },
            "spec": { "type": "namespace", "lifecycle": "production", "owner": self.owner },
        })
    }
}
