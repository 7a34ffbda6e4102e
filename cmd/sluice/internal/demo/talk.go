package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// freezeLine is where the demo's policy gets its freeze.
const freezeLine = "      soak: 2s\n"

// frozen is the demo's policy with a freeze of the last environment, from
// yesterday until tomorrow.
func frozen(now time.Time) string {
	day := func(d int) string { return now.UTC().AddDate(0, 0, d).Format(time.DateOnly) }
	freeze := fmt.Sprintf("      freezes: [{from: %s, to: %s, reason: year end}]\n", day(-1), day(1))
	return strings.Replace(rules, freezeLine, freezeLine+freeze, 1)
}

// persuade shows what keeps a merge request from being merged, and lets people
// change it: a hold that comes and goes, an approval that does not count and two
// that do, and a freeze that is taken out of the policy.
func (s *script) persuade(ctx context.Context, env policy.Environment, mr int64) error {
	if _, err := s.comment(ctx, mr, world.Dana, "/sluice hold the load test runs"); err != nil {
		return err
	}
	if err := s.stopped(ctx, mr, "wait-"+string(env.Name), "waits, and says why", "hold", "freezes", "approvals"); err != nil {
		return err
	}
	if err := s.refused(ctx, mr, world.Dana); err != nil {
		return err
	}
	for _, c := range []struct{ person, body string }{{world.Dana, "/sluice unhold"}, {world.Amir, "/sluice approve"}, {world.Bea, "/sluice approve"}} {
		if _, err := s.comment(ctx, mr, c.person, c.body); err != nil {
			return err
		}
	}
	if err := s.stopped(ctx, mr, "frozen-"+string(env.Name), "is approved and still waits", "freezes"); err != nil {
		return err
	}
	return s.thaw(ctx)
}

// comment writes a comment as one of the people.
func (s *script) comment(ctx context.Context, mr int64, person, body string) (int64, error) {
	client, err := s.world.Client(person)
	if err != nil {
		return 0, core.Errorf(core.Internal, "make a GitLab client: %w", err)
	}
	note, _, err := client.Notes.CreateMergeRequestNote(world.Project, mr, &gitlab.CreateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	if err != nil {
		return 0, core.Errorf(core.Internal, "comment on !%d as %s: %w", mr, person, err)
	}
	verb := strings.Fields(body)[1]
	s.out.step(verb+"-"+person, fmt.Sprintf("%s comments on !%d: %s", person, mr, body))
	return note.ID, nil
}

// stopped waits until exactly these gates are open, and shows all.
func (s *script) stopped(ctx context.Context, mr int64, step, says string, gates ...string) error {
	var said []string
	err := s.until(ctx, fmt.Sprintf("!%d waits for nothing but %s", mr, strings.Join(gates, ", ")), func(ctx context.Context) (bool, string, error) {
		m, _, err := s.people.MergeRequests.GetMergeRequest(world.Project, mr, nil, gitlab.WithContext(ctx))
		if err != nil {
			return false, "", err
		}
		said = checklist(m.Description)
		return waitsOnlyFor(said, gates...), strings.Join(said, "; "), nil
	})
	if err == nil {
		s.out.step(step, fmt.Sprintf("!%d %s:", mr, says), said...)
	}
	return err
}

// refused lets somebody approve who may not, and shows the answer.
func (s *script) refused(ctx context.Context, mr int64, person string) error {
	note, err := s.comment(ctx, mr, person, "/sluice approve")
	if err != nil {
		return err
	}
	var answer string
	err = s.until(ctx, fmt.Sprintf("%s is answered on !%d", person, mr), func(ctx context.Context) (bool, string, error) {
		notes, _, err := s.people.Notes.ListMergeRequestNotes(world.Project, mr, nil, gitlab.WithContext(ctx))
		for _, n := range notes {
			if to, ok := message.ReadReply(n.Body); ok && to.Note == core.NoteID(note) {
				_, answer, _ = strings.Cut(n.Body, "\n")
				return true, "", err
			}
		}
		return false, fmt.Sprintf("%d comments, and none that answers", len(notes)), err
	})
	if err == nil {
		s.out.step("refuse-"+person, "Sluice answers: "+answer)
	}
	return err
}

// thaw takes the freeze out of the policy, as a maintainer does.
func (s *script) thaw(ctx context.Context) error {
	client, err := s.world.Client(world.Amir)
	if err != nil {
		return core.Errorf(core.Internal, "make a GitLab client: %w", err)
	}
	action, file, content, branch, title := gitlab.FileUpdate, policy.FileName, rules, "main", "End the freeze of prd"
	_, _, err = client.Commits.CreateCommit(world.Project, &gitlab.CreateCommitOptions{
		Branch: &branch, CommitMessage: &title,
		Actions: []*gitlab.CommitActionOptions{{Action: &action, FilePath: &file, Content: &content}},
	}, gitlab.WithContext(ctx))
	if err != nil {
		return core.Errorf(core.Internal, "end the freeze: %w", err)
	}
	s.out.step("thaw-"+world.Amir, "amir takes the freeze out of "+policy.FileName+", and commits")
	return nil
}
