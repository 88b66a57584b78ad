// Every behaviour of the portal; each listens on the document, so swapped pieces need no wiring.
import "./csrf.js";
import "./dialog.js";
import "./toasts.js";
import "./focus.js";
import "./folds.js";
import "./keyboard.js";
import "./palette.js";
import "./palette_answers.js";
import "./leaving.js";
import "./trouble.js";
import "./theme.js";
import "./density.js";
import "./print.js";
import "./way_back.js";
import "./bulk.js";
import "./filters.js";
import "./copy.js";
