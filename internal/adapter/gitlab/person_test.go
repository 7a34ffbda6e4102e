package gitlab_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

const (
	readUser   = "GET users/5"
	readLevel  = "GET projects/7/members/all/5"
	readGroup  = "GET groups/ai%2Fteam%2Ex/members/all/5"
	annaActive = `{"id":5,"username":"anna","state":"active"}`
)

func TestPerson(t *testing.T) {
	t.Parallel()
	notFound := reply{404, nil, `{"message":"404 Not found"}`}
	member := func(more string) reply { return reply{body: `{"id":5,"state":"active","access_level":40` + more + `}`} }
	for name, tc := range map[string]struct {
		user, level, group reply
		want               plan.Person
	}{
		"a member of both": {reply{body: annaActive}, member(""), member(`,"membership_state":"active","expires_at":null`),
			plan.Person{ID: 5, Username: "anna", Active: true, Level: 40, Groups: []string{"ai/team.x"}}},
		"a stranger": {reply{body: annaActive}, notFound, notFound, plan.Person{ID: 5, Username: "anna", Active: true}},
		"awaiting":   {reply{body: annaActive}, member(`,"membership_state":"awaiting"`), member(`,"membership_state":"awaiting"`), plan.Person{ID: 5, Username: "anna", Active: true}},
		"expired": {reply{body: annaActive}, member(`,"expires_at":"2026-03-04"`), member(`,"expires_at":"2026-03-05"`),
			plan.Person{ID: 5, Username: "anna", Active: true, Groups: []string{"ai/team.x"}}},
		"expired, older": {reply{body: annaActive}, member(`,"expires_at":"2026-03-04T14:13:35Z"`), notFound, plan.Person{ID: 5, Username: "anna", Active: true}},
		"without access": {reply{body: annaActive}, member(""), reply{body: `{"access_level":0}`}, plan.Person{ID: 5, Username: "anna", Active: true, Level: 40}},
		"blocked":        {reply{body: strings.Replace(annaActive, "active", "blocked", 1)}, member(""), member(""), plan.Person{ID: 5, Username: "anna"}},
		"deleted":        {notFound, member(""), member(""), plan.Person{ID: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, map[string][]reply{readUser: {tc.user}, readLevel: {tc.level}, readGroup: {tc.group}})
			got, err := s.project(setup{}).Person(t.Context(), 5, []string{"ai/team.x"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("person (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAGroupThatCannotBeSeenIsLoggedOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string][]reply{
		readUser: {{body: annaActive}}, readLevel: {{body: `{"access_level":30}`}},
		readGroup: {{404, nil, `{"message":"404 Group Not Found"}`}},
	})
	var log bytes.Buffer
	p := s.project(setup{log: &log})
	for range 3 {
		got, err := p.Person(t.Context(), 5, []string{"ai/team.x"})
		if err != nil || len(got.Groups) != 0 || got.Level != 30 {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if n := strings.Count(log.String(), "ai/team.x"); n != 1 {
		t.Errorf("the group was named %d times:\n%s", n, &log)
	}
}

func TestPersonWithoutRights(t *testing.T) {
	t.Parallel()
	denied := reply{403, nil, `{"message":"403 Forbidden"}`}
	s := serve(t, map[string][]reply{readUser: {denied, {body: annaActive}}, readLevel: {denied}})
	p := s.project(setup{})
	_, err := p.Person(t.Context(), 5, nil)
	wantError(t, err, core.Denied, "read user 5")
	_, err = p.Person(t.Context(), 5, nil)
	wantError(t, err, core.Denied, "read the membership of user 5 in ai/flux")
}
