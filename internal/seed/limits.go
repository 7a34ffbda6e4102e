package seed

// maxApps bounds Options.Apps. A monorepo of 2000 apps in three clusters is
// some 13 000 files, which is larger than any demo needs and still fits into
// memory many times over.
const maxApps = 2000
