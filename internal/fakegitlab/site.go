package fakegitlab

import (
	"html/template"
	"net/http"
	"strings"
)

// pageText shows what is going on, to the person who kept a demo running. It
// is not GitLab's page and says so.
const pageText = `<!doctype html><meta charset="utf-8"><title>fake GitLab</title>
<style>body{font:15px system-ui;max-width:60em;margin:2em auto;padding:0 1em}pre{white-space:pre-wrap;background:#f4f4f4;padding:.6em}</style>
<p><em>This is a fake GitLab ({{.Version}}).</em> <a href="/">projects</a></p>
{{range .Projects}}<h2><a href="/{{.}}">{{.}}</a></h2>{{end}}
{{with .Path}}<h1>{{.}}</h1>{{end}}
{{range .MRs}}<h3><a href="/{{.Path}}/-/merge_requests/{{.IID}}">!{{.IID}} {{.Title}}</a> · {{.State}}</h3>
<p><code>{{.Source}}</code> → <code>{{.Target}}</code> by {{.Author}}{{range .Labels}} · {{.}}{{end}}</p>
{{with .Text}}<pre>{{.}}</pre>{{end}}{{range .Notes}}<p><b>{{.Author}}</b></p><pre>{{.Body}}</pre>{{end}}{{end}}`

type sitePage struct {
	Version  string
	Path     string
	Projects []string
	MRs      []siteMR
}

type siteMR struct {
	Path, Title, State, Source, Target, Author, Text string
	IID                                              int64
	Labels                                           []string
	Notes                                            []siteNote
}

type siteNote struct{ Author, Body string }

// servePage shows projects, open merge requests, or one with its notes. It
// asks nobody who they are: a demo has no secrets in its comments.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request, path string) {
	data := sitePage{Version: s.cfg.Edition.version()}
	repo, iid, one := strings.Cut(path, "/-/merge_requests/")
	s.mu.Lock()
	s.runDue()
	p := s.projectByPath(strings.TrimSuffix(repo, "/-/merge_requests"))
	if path == "" {
		for _, p := range s.projects {
			data.Projects = append(data.Projects, p.path)
		}
	}
	if p != nil {
		data.Path = p.path
		for _, mr := range p.mrs {
			if one && iid == strings.TrimPrefix(mr.ref(), "!") || !one && mr.open() {
				data.MRs = append(data.MRs, mr.page(one))
			}
		}
	}
	s.mu.Unlock()
	if path != "" && p == nil || one && len(data.MRs) == 0 {
		http.NotFound(w, r)
		return
	}
	t := template.Must(template.New("page").Parse(pageText))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = t.Execute(w, data) // the client is gone: nothing to do
}

// page copies what a template needs, so that it runs without the lock.
func (mr *mergeRequest) page(full bool) siteMR {
	out := siteMR{Path: mr.project.path, IID: mr.iid, Title: mr.title, State: mr.state, Source: mr.source, Target: mr.target, Author: mr.author.name, Labels: mr.labels}
	if !full {
		return out
	}
	out.Text = mr.description
	for _, n := range mr.thread.notes {
		out.Notes = append(out.Notes, siteNote{n.author.name, n.body})
	}
	return out
}
