// Package version tells which of two versions is the newer one, and says so
// only when it knows. It also reads version constraints and image references.
//
// A version has a scheme (SemVer, calendar, build number and so on) and a
// shape: what is left of its text when the numbers that count are taken out,
// such as the "-alpine" of 1.2.3-alpine or the "build-" of build-57. Two
// versions are compared only within one scheme and one shape. Everything else
// is Incomparable, which is an answer to show to people, never one to guess
// around: digests, commit ids, branch names, 1.10 beside 1.10.0, or a tag with
// another variant. Explain says why.
//
// Within a scheme and shape the order is transitive and antisymmetric. Versions
// are the Same only if their texts are, but for a leading "v" in SemVer. A few
// pairs stay without an order even there, since they are equal in every number
// and yet different artefacts:
//
//   - SemVer that differs in build metadata only (1.2.3+a, 1.2.3+b): the
//     specification gives metadata no precedence;
//   - texts that differ in a commit id or in leading zeros only;
//   - one tag pinned to two digests, or pinned once and once not;
//   - prereleases that SemVer and common sense sort differently (rc9, rc10).
//
// It does not know registries: whether a tag still points to what it pointed to
// yesterday is not in its text. Mutable names those tags that surely move.
package version
