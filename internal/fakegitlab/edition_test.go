package fakegitlab

import "testing"

func TestEditionsKnowTheirFeatures(t *testing.T) {
	for _, c := range []struct {
		e           Edition
		signs, paid bool
	}{
		{Edition{}, true, true},
		{Edition{SigningOff: true}, false, true},
		{Edition{Version: "18.11.3"}, false, true},
		{Edition{Version: "19.0.0", Tier: Free}, true, false},
		{Edition{Version: "20", Community: true}, true, false},
		{Edition{Version: "nonsense", Tier: Ultimate}, false, true},
	} {
		if c.e.signs() != c.signs || c.e.paid() != c.paid {
			t.Errorf("%+v: signs %t, paid %t", c.e, c.e.signs(), c.e.paid())
		}
	}
}
