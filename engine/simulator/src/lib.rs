//! Stand-ins that speak the real protocols of GitLab, Backstage and Kubernetes.
