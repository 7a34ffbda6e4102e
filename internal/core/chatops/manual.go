package chatops

// manualHead says what all commands have in common.
const manualHead = `# Commands in comments

<!-- Generated from internal/core/chatops. To change this page, change Verbs or manualHead there and run
     go test ./internal/core/chatops -run TestDocumentationIsUpToDate -update -->

Sluice reads commands in the comments of its own merge requests: of the open ones, and for 14 days after their last change
of those that were merged or closed. The last closed one of a promotion that is due is read however old it is. It also reads
the one issue of the project that the policy names under ` + "`commands`" + `, for what concerns more than one merge request.
Each command says below where it may stand; comments elsewhere are not read.

**Where a command may stand.** Alone on a line, from the line's first character on. A blank before it is enough to make
it plain text. In quotes, in code and in HTML it does nothing, so showing a command to somebody never gives it. The verb
may be in upper or lower case. A comment may hold several commands, each on its line, at most 20.

**How it may begin.** With ` + "`/sluice`" + `, or with a mention of Sluice's own GitLab user, such as ` + "`@sluice-bot approve`" + `.
` + "`/sluice`" + ` alone asks for help. A mention that is followed by no verb is taken for ordinary talk.

**What comes back.** A command that was accepted gets the reaction :white_check_mark:. A command that was not, or that
asks something, gets one answer in a comment. Each comment is answered once, and once more if it is edited afterwards.
Somebody without access to the project is told so. Internal comments are read only if the policy says so.

**Editing and deleting.** What counts is what stands in the comments now. An edited comment does nothing, except that it
holds; write a new one. A hold counts even if its comment was edited, from the time of the edit on: only an unhold that is
written later lifts it. Deleting a comment takes its command back; GitLab sends no webhook for that, so Sluice sees it with
the next sweep at the latest. A hold stays in force when its author leaves; everything else needs the right to it still.

**What an approval is for.** The files as the branch had them when it was given. When the branch is made anew on a newer
base and brings the same files, the approval stays in force; when it brings anything else, it lapses, and has to be given
again. Sluice knows what a former head brought if it saw it while it was the head.

**GitLab's own approvals**, by its button or ` + "`/approve`" + `, count like those by comment, if the policy names the person and if
GitLab tells when they were given. ` + "`/sluice unapprove`" + ` takes both back.

**What is asked for** by ` + "`promote` and `rollback`" + ` is proposed in an ordinary merge request, which waits for its gates. The newest
request for a target counts, for 14 days at most, until the merge request that was made for it is merged or closed; deleting
the comment takes it back. One that names no version means what the source has then or, later, what is newer. A version must
have stood in the environment's source, as Git tells. While the source has another version, its health says nothing, so ` + "`healthy` and `soak`" + ` block until somebody overrides them or merges by hand.

**How a commit is named.** By at least the first seven digits of the present head of the branch, or of a former one.

**When a command disappears from a comment**, GitLab took the line for a quick action of its own. It does that with
` + "`/approve`" + `, ` + "`/merge`" + ` and others; it does not know ` + "`/sluice`" + `.
`
