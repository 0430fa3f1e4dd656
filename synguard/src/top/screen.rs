//! The terminal: taken over, drawn on, and given back on any way out.

use std::io::{self, IsTerminal as _, Stdout, Write as _};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, panic, process};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};
use rustix::process::{Signal, getpid, kill_process};

use crate::error::Context as _;
use crate::{Error, Result};

/// Whether the terminal is to be given back.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// What a program ends with whose panic nobody caught.
const PANICKED: i32 = 101;

/// A terminal that was taken over; dropping this gives it back.
pub struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    /// Whether standard input and output are a terminal that can be drawn on.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] naming what does not need one.
    pub fn check() -> Result<()> {
        let missing = if !io::stdout().is_terminal() {
            "standard output is none"
        } else if !io::stdin().is_terminal() {
            "standard input is none"
        } else if env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
            "TERM names none that can be drawn on"
        } else {
            return Ok(());
        };
        Err(Error::Usage(format!(
            "`synguard top` needs a terminal, and {missing}: `synguard status` tells the same \
             once, `synguard status --json` tells programs"
        )))
    }

    /// Takes the terminal over. Should this program panic, on whichever thread, it gives
    /// the terminal back first, and ends.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where the terminal cannot be set up; it is given back then.
    pub fn enter() -> Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |about| {
                if give_back() {
                    before(about);
                    process::exit(PANICKED);
                }
                before(about);
            }));
        });
        take().map(Self)
    }

    /// Draws a picture.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where the terminal is gone.
    pub fn draw(&mut self, picture: impl FnOnce(&mut Frame)) -> Result<()> {
        self.0.draw(picture).context("drawing")?;
        Ok(())
    }

    /// Takes the terminal over again, whatever somebody else did to it meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Self::enter`].
    pub fn again(&mut self) -> Result<()> {
        give_back();
        self.0 = take()?;
        Ok(())
    }

    /// Gives the terminal back, stops as Ctrl-Z has other programs stop, and takes it over
    /// again when the shell goes on with this. Where no shell could, it does not stop
    /// (setpgid(2): orphaned process groups).
    ///
    /// # Errors
    ///
    /// As [`Self::enter`].
    pub fn suspend(&mut self) -> Result<()> {
        give_back();
        kill_process(getpid(), Signal::TSTP).context("stopping")?;
        self.again()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// A terminal of which nothing is taken to be drawn yet. ratatui's own way to clear one
/// asks it where its cursor is, and whoever waits for keys would get the answer.
fn take() -> Result<Terminal<CrosstermBackend<Stdout>>> {
    TAKEN.store(true, Ordering::SeqCst);
    let taken = enable_raw_mode()
        .and_then(|()| {
            let all = Clear(ClearType::All);
            execute!(io::stdout(), EnterAlternateScreen, Hide, all)
        })
        .and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
    if taken.is_err() {
        give_back();
    }
    taken.context("taking the terminal over")
}

/// Whether it was taken. A terminal that is gone needs nothing.
fn give_back() -> bool {
    let taken = TAKEN.swap(false, Ordering::SeqCst);
    if taken {
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
        let _ = io::stdout().flush();
        let _ = disable_raw_mode();
    }
    taken
}
