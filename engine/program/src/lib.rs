//! The dialect-free program that workflow documents are lowered to.
