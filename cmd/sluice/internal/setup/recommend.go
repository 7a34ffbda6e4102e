package setup

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// recommend compares the project's settings with what serves Sluice best, and
// changes them if that was asked for.
func (w *work) recommend(ctx context.Context) {
	if w.settings.MergeRequests == "disabled" {
		w.say("settings", failed, "merge requests are switched off in the project", "switch them on")
	}
	w.hasCI = w.lookForCI(ctx)
	w.Rows = w.rows()
	change := map[string]string{}
	var differ []string
	for _, r := range w.Rows {
		if !r.Fine {
			differ = append(differ, r.Name)
		}
		if r.change != "" {
			change[r.Name] = r.change
		}
	}
	protect := !w.protected && w.rules
	switch {
	case len(differ) == 0 && !protect:
		w.say("settings", fine, "as recommended", "")
		return
	case !w.apply:
		if len(differ) > 0 {
			w.say("settings", doubt, "not as recommended: "+strings.Join(differ, ", "), "see the table; --apply changes them")
		}
		return
	}
	if len(change) > 0 {
		names := strings.Join(slices.Sorted(maps.Keys(change)), ", ")
		w.write(ctx, "settings", "changed "+names, "change "+names, maintainer, func() error { return w.place.ChangeSettings(ctx, change) })
	}
	if protect {
		w.write(ctx, "settings", "protected "+w.settings.DefaultBranch+": maintainers push and merge", "protect "+w.settings.DefaultBranch, maintainer,
			func() error { return w.place.Protect(ctx, w.settings.DefaultBranch) })
	}
}

// lookForCI tells whether the project has pipelines of its own.
func (w *work) lookForCI(ctx context.Context) bool {
	name := w.settings.CIConfigPath
	switch {
	case name == "":
		name = ".gitlab-ci.yml"
	case strings.Contains(name, "@") || strings.Contains(name, "://"):
		return true // it lies in another project
	}
	err := w.patiently(ctx, func() error {
		_, err := w.place.File(ctx, name)
		return err
	})
	if err != nil && core.KindOf(err) != core.NotFound {
		w.trouble("settings", err, developer)
	}
	return err == nil
}

// rows are the settings that bear on Sluice. Those without one right value
// come with the values that all do.
func (w *work) rows() []row {
	s := w.settings
	return slices.Concat([]row{
		oneOf("merge_method", s.MergeMethod, "with others, each merge makes all other open promotions wait for a rebase", "merge"),
		oneOf("squash_option", s.SquashOption, "a promotion is one commit; squashing makes a second one of it", "default_off", "never"),
		yes("remove_source_branch_after_merge", s.RemoveSourceBranch, "Sluice has its branches removed; so do people's merges then"),
		oneOf("auto_cancel_pending_pipelines", s.AutoCancel, "a branch that is made anew needs no pipeline of what it was", "enabled"),
	}, w.guards())
}

// guards are the settings by which GitLab keeps people from merging past gates.
// Without pipelines of its own a project that requires them would let nothing
// be merged that Sluice does not know.
func (w *work) guards() []row {
	s := w.settings
	guard := policy.GuardStatus
	if w.policy != nil {
		guard = w.policy.Guard
	}
	skipped := no("allow_merge_on_skipped_pipeline", s.SkippedPasses, "[skip ci] would pass for a success")
	pipeline := as("only_allow_merge_if_pipeline_succeeds", s.PipelineMustPass)
	threads := as("only_allow_merge_if_all_discussions_are_resolved", s.ThreadsResolved)
	switch {
	case guard == policy.GuardThread:
		threads = yes(threads.Name, s.ThreadsResolved, "the policy has guard: thread: the open thread keeps people from merging past gates")
	case guard == policy.GuardStatus && w.hasCI:
		pipeline = yes(pipeline.Name, s.PipelineMustPass, "the status sluice/gates keeps people from merging past gates")
	case guard == policy.GuardStatus:
		pipeline.Reason = "no .gitlab-ci.yml: required, it would hold up all merge requests that are not Sluice's"
		threads.Reason = "with guard: thread in the policy and this set to true, a thread keeps people from merging past gates"
	}
	return []row{pipeline, skipped, threads}
}

// oneOf is a setting with some good values, of which the first is set.
func oneOf(name, now, reason string, good ...string) row {
	r := row{Name: name, Now: now, Want: strings.Join(good, " or "), Reason: reason, Fine: slices.Contains(good, now)}
	switch {
	case now == "": // not shown to this user, or not there in this version
		r.Now, r.Fine = "not shown", true
	case !r.Fine:
		r.change = good[0]
	}
	return r
}

func yes(name string, now bool, reason string) row {
	return oneOf(name, strconv.FormatBool(now), reason, "true")
}

func no(name string, now bool, reason string) row {
	return oneOf(name, strconv.FormatBool(now), reason, "false")
}

// as is a setting that is good as it is.
func as(name string, now bool) row {
	return row{Name: name, Now: fmt.Sprint(now), Want: "as it is", Reason: "either is fine with this policy", Fine: true}
}
