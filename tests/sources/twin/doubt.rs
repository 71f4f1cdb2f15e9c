//! What no reader could tell.

use super::Twin;
use super::page::{Kind, Said, Section};

impl Twin {
    /// Renames what nobody could tell to be what it was, before a run.
    pub fn doubt(&mut self) {
        // Of every page what it said and says, which for most is the same.
        let said = self.pages.values().flat_map(|page| {
            let is_same = page.before == page.said();
            [page.before.clone(), page.said()].into_iter().take(if is_same { 1 } else { 2 })
        });
        let said: Vec<Said> = said.chain(self.deleted.iter().cloned()).collect();
        let names = &mut self.names;
        for page in self.pages.values_mut().filter(|page| !page.is_broken) {
            let all: usize = page.sections.iter().map(Section::weight).sum();
            let own = page
                .sections
                .iter()
                .filter(|section| section.kind == Kind::Long && !section.is_moved && !section.is_new);
            let is_most = 2 * own.map(Section::weight).sum::<usize>() > all;
            let is_whole = page.said() == page.before && once(&said, &page.before);
            let is_home = !page.is_renamed || is_most || is_whole;
            if !is_home {
                self.deleted.push(page.before.clone());
            }
            let headings =
                |said: &Said| -> Vec<String> { said.1.iter().map(|(heading, _)| heading.clone()).collect() };
            let (before, now) = (headings(&page.before), headings(&page.said()));
            for section in &mut page.sections {
                let keeps_heading = once(&now, &section.heading) && once(&before, &section.heading);
                let is_certain = match section {
                    Section { kind: Kind::Long, .. } | Section { is_new: true, .. } => true,
                    Section { is_moved: true, .. } => false,
                    _ if !is_home => false,
                    Section { is_retitled: true, .. } => !page.is_shuffled,
                    Section { is_edited: true, .. } => keeps_heading && !page.is_retitled,
                    _ => true,
                };
                if !is_certain {
                    section.former.push(section.name);
                    // One of two that say the same was retitled.
                    let said = section.text();
                    section.former.extend(page.lost.iter().filter(|lost| lost.0 == said).map(|lost| lost.1));
                    *names += 1;
                    section.name = *names;
                }
            }
        }
    }
}

fn once<T: PartialEq>(all: &[T], one: &T) -> bool {
    all.iter().filter(|other| *other == one).count() == 1
}
